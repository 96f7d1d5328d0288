import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { anyAuthority, client, issueCertificate, server } from '../../auth/x509/certificate.ts';
import { systemClock } from '../../lib/clock.ts';
import { writeDurably } from '../../lib/durable-file.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
/** The server's own lives as long as its process at most, and is made at its start. */
const SERVER_DAYS = 825;
/** Clients' clocks may be behind ours. */
const SKEW_MS = DAY_MS;
const NAME = 'Slipway docker CA';

/** What a client of docker keeps in DOCKER_CERT_PATH, as PEM. */
export interface DockerCertificate {
  ca: string;
  cert: string;
  key: string;
}

/**
 * The authority of the docker door for other machines: it signs the door's own certificate and those of its clients, whose
 * common name is the project that they work in. Docker's clients are given it for this one server; the other authority of
 * the data folder, for hosts that clients have hard-coded, may sign neither addresses nor clients.
 */
export class DockerAuthority {
  /** PEM. */
  readonly certificate: string;
  readonly #privateKey: KeyObject;

  private constructor(certificate: string, privateKey: KeyObject) {
    this.certificate = certificate;
    this.#privateKey = privateKey;
  }

  /** Reads it from the data folder, or makes it. Who makes it is the owner of the folder: others come after. */
  static async open(folder: string): Promise<DockerAuthority> {
    const files = { certificate: join(folder, 'docker-ca.pem'), key: join(folder, 'docker-ca-key.pem') };
    if (!existsSync(files.certificate) || !existsSync(files.key)) await make(files);
    const key = createPrivateKey(await readFile(files.key, 'utf8'));
    return new DockerAuthority(await readFile(files.certificate, 'utf8'), key);
  }

  /** @param hosts names and addresses that clients may call it by */
  server(hosts: readonly string[]): DockerCertificate {
    return this.#issue('Slipway docker door', SERVER_DAYS * DAY_MS, server(...hosts));
  }

  /** @param lifeMs from now */
  client(project: string, lifeMs: number): DockerCertificate {
    return this.#issue(project, lifeMs, client());
  }

  #issue(subject: string, lifeMs: number, extensions: Buffer[]): DockerCertificate {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const now = systemClock.now();
    const cert = issueCertificate({
      subject,
      issuer: NAME,
      publicKey: pair.publicKey,
      signer: { privateKey: this.#privateKey, publicKey: createPublicKey(this.#privateKey) },
      notBefore: new Date(now - SKEW_MS),
      notAfter: new Date(now + lifeMs),
      extensions,
    });
    return { ca: this.certificate, cert, key: pem(pair.privateKey) };
  }
}

async function make(files: { certificate: string; key: string }): Promise<void> {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = systemClock.now();
  const certificate = issueCertificate({
    subject: NAME,
    issuer: NAME,
    publicKey: pair.publicKey,
    signer: pair,
    notBefore: new Date(now - SKEW_MS),
    notAfter: new Date(now + CA_DAYS * DAY_MS),
    extensions: anyAuthority(),
  });
  await writeDurably(files.key, pem(pair.privateKey), 0o600);
  await writeDurably(files.certificate, certificate, 0o644);
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
