import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { authority, issueCertificate, server } from '../../auth/x509/certificate.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { writeDurably } from '../../lib/durable-file.ts';
import { hasErrorCode } from '../../lib/problem.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
/** A data folder's authority is made anew at a start in its last 30 days. */
const CA_LAST_DAYS = 30;
/** Leaves live in memory only; they are made again in the last third of their time. */
const LEAF_DAYS = 90;
/** Clients' clocks may be behind ours. */
const SKEW_MS = DAY_MS;
/** Leaves that are kept: anybody may ask for one of a pattern's names after the other. */
const MOST_LEAVES = 256;
const NAME = 'Slipway data folder CA';

export interface CertificateAuthorityFiles {
  /** For clients: SSL_CERT_FILE, custom_ca_certs_file, certs.d. */
  certificate: string;
  /** Mode 0600. */
  key: string;
}

/** What the authority is limited to. */
export interface CertifiedHosts {
  /** DNS names, and what lies below them. */
  names: readonly string[];
  /** IP addresses. */
  addresses: readonly string[];
}

interface Leaf {
  context: SecureContext;
  renewAt: number;
}

/**
 * The data folder's own authority, which ends TLS for the few Google hosts that clients have hard-coded, and for our own
 * address. It can speak for those only, never enters a system's store, and its key never leaves the folder.
 */
export class CertificateAuthority {
  /** PEM; what clients are given to trust. */
  readonly certificate: string;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #expires: number;
  readonly #clock: Clock;
  readonly #leafKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #leaves = new Map<string, Leaf>();

  private constructor(certificate: string, privateKey: KeyObject, clock: Clock) {
    this.certificate = certificate;
    this.#privateKey = privateKey;
    this.#publicKey = createPublicKey(privateKey);
    this.#expires = Date.parse(new X509Certificate(certificate).validTo);
    this.#clock = clock;
  }

  /**
   * Reads the authority from its files, or makes it: also when it may speak for other hosts than it is to. Only the owner of
   * the data folder may call this.
   */
  static async open(
    files: CertificateAuthorityFiles,
    hosts: CertifiedHosts,
    clock: Clock = systemClock,
  ): Promise<CertificateAuthority> {
    const key = await readIfThere(files.key);
    const certificate = await readIfThere(files.certificate);
    if (key !== undefined && certificate !== undefined) {
      const privateKey = createPrivateKey(key);
      const { validTo, publicKey, raw } = new X509Certificate(certificate);
      const lasts = Date.parse(validTo) - clock.now() > CA_LAST_DAYS * DAY_MS;
      const limited = limitsOf(hosts).every((extension) => raw.includes(extension));
      if (lasts && limited && publicKey.equals(createPublicKey(privateKey)))
        return new CertificateAuthority(certificate, privateKey, clock);
    }
    return CertificateAuthority.#make(files, hosts, clock);
  }

  static async #make(
    files: CertificateAuthorityFiles,
    hosts: CertifiedHosts,
    clock: Clock,
  ): Promise<CertificateAuthority> {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const certificate = issueCertificate({
      subject: NAME,
      issuer: NAME,
      publicKey: pair.publicKey,
      signer: pair,
      notBefore: new Date(clock.now() - SKEW_MS),
      notAfter: new Date(clock.now() + CA_DAYS * DAY_MS),
      extensions: limitsOf(hosts),
    });
    await writeDurably(files.key, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
    await writeDurably(files.certificate, certificate, 0o644);
    return new CertificateAuthority(certificate, pair.privateKey, clock);
  }

  /** What a TLS server of this name shows; made when it is first asked for. The caller has checked that the host is ours. */
  leaf(host: string): SecureContext {
    const known = this.#leaves.get(host);
    const now = this.#clock.now();
    if (known !== undefined && now < known.renewAt) return known.context;
    const notAfter = Math.min(now + LEAF_DAYS * DAY_MS, this.#expires);
    const certificate = issueCertificate({
      // an address alone would be taken for a DNS name, which the authority's limits don't have
      subject: isIP(host) === 0 ? host : `address ${host}`,
      issuer: NAME,
      publicKey: this.#leafKey.publicKey,
      signer: { privateKey: this.#privateKey, publicKey: this.#publicKey },
      notBefore: new Date(now - SKEW_MS),
      notAfter: new Date(notAfter),
      extensions: server(host),
    });
    const context = createSecureContext({
      cert: certificate,
      key: this.#leafKey.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    });
    const [oldest] = this.#leaves.keys();
    if (this.#leaves.size >= MOST_LEAVES && oldest !== undefined) this.#leaves.delete(oldest);
    this.#leaves.set(host, { context, renewAt: now + (notAfter - now) * (2 / 3) });
    return context;
  }
}

function limitsOf({ names, addresses }: CertifiedHosts): Buffer[] {
  return authority(names, addresses);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
