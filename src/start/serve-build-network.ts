import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { issueCertificate, server } from '../auth/x509/certificate.ts';
import { type Build, locationOf } from '../builds/build.ts';
import { projectNumber } from '../builds/project-number.ts';
import { parseDuration } from '../builds/request/duration.ts';
import type { ServedBuild } from '../builds/run/build-deps.ts';
import { registryHosts } from '../builds/run/registry-logins.ts';
import { TRUST_FOLDER } from '../builds/run/trust-mounts.ts';
import type { BridgeNetwork } from '../containers/container.ts';
import { GATE_NAME, serveBuild } from '../doors/metadata/serve-build.ts';
import { systemClock } from '../lib/clock.ts';
import type { DataFolder } from '../lib/data-folder.ts';
import { hasErrorCode } from '../lib/problem.ts';
import type { OwnNames } from '../stores/registry/name.ts';

export interface BuildNetworkParts {
  folder: DataFolder;
  ownNames: OwnNames;
  /** HOST:PORT of HTTP doors that ask for a token; absent: there are none. */
  doors: string | undefined;
}

const HOUR_MS = 60 * 60 * 1000;

/**
 * Metadata server, registry and buckets on the network of one build (decision 0025). Where there are no
 * doors, or anybody who reaches them is their owner, there is the metadata server alone.
 */
export async function serveBuildNetwork(
  build: Build,
  token: string,
  bridge: BridgeNetwork,
  parts: BuildNetworkParts,
): Promise<ServedBuild | undefined> {
  const { doors, ownNames, folder } = parts;
  if (bridge.services === undefined) return undefined;
  const number = projectNumber(build.projectId);
  const endsAt = Date.parse(build.startTime ?? build.createTime) + (parseDuration(build.timeout) ?? HOUR_MS);
  const certificate = doors !== undefined ? await registryCertificate(ownNames, folder, endsAt) : undefined;
  const { close } = await serveBuild(bridge, {
    buildId: build.id,
    project: build.projectId,
    projectNumber: number,
    location: locationOf(build),
    email: emailOf(build.serviceAccount) ?? `${number}@cloudbuild.gserviceaccount.com`,
    token,
    expiresAt: endsAt,
    now: () => systemClock.now(),
    doors: doors === undefined ? undefined : { address: doors, certificate },
  });
  return {
    env: doors === undefined ? {} : clientVariables(certificate !== undefined),
    authority:
      certificate === undefined
        ? undefined
        : { pem: certificate.authority, hosts: hostsBelow(certificate.names, build, ownNames) },
    close,
  };
}

/** So that gcloud and the client libraries of Cloud Storage come to us without a change in their programs. */
function clientVariables(trusted: boolean): Record<string, string> {
  const base = `http://${GATE_NAME}`;
  return {
    CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${base}/`,
    STORAGE_EMULATOR_HOST: base,
    ...(trusted ? { SSL_CERT_DIR: `${TRUST_FOLDER}:/etc/ssl/certs:/etc/pki/tls/certs` } : {}),
  };
}

/** `projects/P/serviceAccounts/A`, or the address alone. */
function emailOf(account: string | undefined): string | undefined {
  const email = account?.slice(account.lastIndexOf('/') + 1);
  return email === undefined || !email.includes('@') ? undefined : email;
}

/** The registry hosts that the certificate is for. */
function hostsBelow(names: readonly string[], build: Build, ownNames: OwnNames): string[] {
  return registryHosts(build, ownNames).filter((host) =>
    names.some((name) => host === name || (name.startsWith('*') && host.endsWith(name.slice(1)))),
  );
}

interface RegistryCertificate {
  cert: string;
  key: string;
  /** Hosts on the usual port; the first letter of a pattern is its star. */
  names: string[];
  /** PEM. */
  authority: string;
}

/** Of this build alone. Undefined where the data folder has no authority yet, because nothing ever listened for it. */
async function registryCertificate(
  { hosts }: OwnNames,
  folder: DataFolder,
  endsAt: number,
): Promise<RegistryCertificate | undefined> {
  const names = hosts.filter((host) => !host.includes(':') && isIP(host) === 0 && host !== 'localhost');
  const authority = await readIfThere(folder.ca);
  const signer = await readIfThere(join(folder.root, 'ca-key.pem'));
  if (authority === undefined || signer === undefined || names.length === 0) return undefined;
  const privateKey = createPrivateKey(signer);
  const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { subject } = new X509Certificate(authority);
  const cert = issueCertificate({
    subject: 'a build',
    issuer: subject.replace(/^CN=/, ''),
    publicKey: leaf.publicKey,
    signer: { privateKey, publicKey: createPublicKey(privateKey) },
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(endsAt + HOUR_MS),
    // a star of a certificate stands for a whole label (RFC 6125)
    extensions: server(...names.map((name) => name.replace(/^\*[^.]*\./, '*.'))),
  });
  return { cert, key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), names, authority };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
