import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  randomInt,
  timingSafeEqual,
} from 'node:crypto';
import { promisify } from 'node:util';

/** Google's key file, field by field, so that gcloud, gsutil, docker's `_json_key` and every Google library read it. */
export interface ServiceAccountKey {
  type: 'service_account';
  project_id: string;
  private_key_id: string;
  /** PKCS 8, PEM. */
  private_key: string;
  client_email: string;
  client_id: string;
  /** Ours: that is where clients send what they sign. */
  token_uri: string;
}

/** What we keep of a key: enough to check a signature, not to make one. */
export interface ServiceAccountKeyInfo {
  /** `private_key_id`. */
  id: string;
  /** The token whose rights it carries. */
  tokenId: string;
  email: string;
  /** SPKI, PEM. */
  publicKey: string;
  tokenUri: string;
}

/** The rows; adapters implement it. A key's row goes with its token's. */
export interface ServiceAccountKeyRows {
  addKey(key: ServiceAccountKeyInfo): Promise<void>;
  keyById(id: string): Promise<ServiceAccountKeyInfo | undefined>;
  keyByEmail(email: string): Promise<ServiceAccountKeyInfo | undefined>;
}

const generate = promisify(generateKeyPair);

/** A new key pair for a token: the file for the person, the public half for us. */
export async function makeServiceAccountKey(
  tokenId: string,
  project: string,
  tokenUri: string,
): Promise<{ key: ServiceAccountKey; info: ServiceAccountKeyInfo }> {
  const { privateKey, publicKey } = await generate('rsa', { modulusLength: 2048 });
  const id = randomBytes(20).toString('hex');
  const email = `slipway-${tokenId}@${project}.iam.gserviceaccount.com`;
  return {
    key: {
      type: 'service_account',
      project_id: project,
      private_key_id: id,
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      client_email: email,
      client_id: `1${Array.from({ length: 20 }, () => randomInt(10)).join('')}`,
      token_uri: tokenUri,
    },
    info: { id, tokenId, email, publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), tokenUri },
  };
}

/** The parts of a key file that prove something; undefined when the text is none. */
export function readServiceAccountKey(text: string): { id: string; privateKey: KeyObject } | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== 'object' || json === null) return undefined;
    const { private_key_id: id, private_key: pem } = json as Partial<Record<keyof ServiceAccountKey, unknown>>;
    if (typeof id !== 'string' || typeof pem !== 'string') return undefined;
    return { id, privateKey: createPrivateKey(pem) };
  } catch {
    return undefined; // no JSON, or no key in it: not a proof of anything
  }
}

/** Whether the private key is the other half of what we kept. */
export function matchesPublicKey(privateKey: KeyObject, publicKeyPem: string): boolean {
  const shown = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const kept = createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' });
  return shown.length === kept.length && timingSafeEqual(shown, kept);
}
