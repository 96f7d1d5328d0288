import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { writeDurably } from '../../lib/durable-file.ts';
import { hasErrorCode, Problem } from '../../lib/problem.ts';

const ALGORITHM = 'aes-256-gcm';
/** As NIST SP 800-38D (8.2.2) advises for random ones; a key meets far fewer than the 2^32 values that it allows. Bytes. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A value as it is stored. */
export interface Sealed {
  /** Tells the key that opens it; nothing of the key can be concluded from it. */
  keyId: string;
  /** Base64 of nonce, ciphertext and tag. */
  sealed: string;
}

/**
 * The key file of a data folder: a line of 64 hexadecimal digits for each key. The first one encrypts, each decrypts what it
 * encrypted, so a new key is a new first line. It is read whenever it is needed, and only by the owner.
 */
export class SecretKeys {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * @param place what the value belongs to: it opens nowhere else
   * @param first nothing was ever encrypted: a missing file is made
   * @throws Problem `failed`
   */
  async seal(value: Uint8Array, place: string, first: boolean): Promise<Sealed> {
    const [key] = await this.#keys(first);
    if (key === undefined) throw this.#lost('there is no key to encrypt with');
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(place));
    const text = Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
    return { keyId: idOf(key), sealed: text.toString('base64') };
  }

  /** @throws Problem `failed` without the key, and when key, place or bytes are not those of `seal` */
  async open({ keyId, sealed }: Sealed, place: string): Promise<Buffer> {
    const key = (await this.#keys(false)).find((each) => idOf(each) === keyId);
    if (key === undefined) throw this.#lost(`it was encrypted with key ${keyId}, which is not there`);
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(place))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch (error) {
      throw new Problem('failed', 'its row was changed or damaged: it does not decrypt', {
        hint: 'Add the value as a new version.',
        cause: error,
      });
    }
  }

  async #keys(make: boolean): Promise<Buffer[]> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT')) throw error;
      if (!make) return [];
      const key = randomBytes(32);
      await writeDurably(this.path, `${key.toString('hex')}\n`, 0o600);
      return [key];
    }
    await chmod(this.path, 0o600);
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    if (lines.length === 0 || lines.some((line) => !/^[0-9a-f]{64}$/.test(line.trim())))
      throw this.#lost('it holds something else than lines of 64 hexadecimal digits');
    return lines.map((line) => Buffer.from(line.trim(), 'hex'));
  }

  #lost(why: string): Problem {
    return new Problem('failed', `the key file of the secrets does not fit: ${why}`, {
      hint: `Put ${this.path} back from a backup, or add the values as new secrets and delete those of the lost key.`,
    });
  }
}

function idOf(key: Buffer): string {
  return createHash('sha256').update('slipway secrets key').update(key).digest('hex').slice(0, 16);
}
