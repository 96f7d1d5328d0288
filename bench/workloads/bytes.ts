import { createCipheriv, createHash } from 'node:crypto';

/** Bytes that no compressor makes shorter, the same for the same seed. */
export function noise(seed: string, size: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** Text of a small vocabulary: compresses as source code does. */
export function words(seed: string, size: number): string {
  const choices = noise(seed, size >> 2);
  const text: string[] = [];
  for (let length = 0, i = 0; length < size; i++) {
    const word = `w${((choices[i % choices.length] ?? 0) * 2654435761).toString(36).slice(0, 6)}`;
    text.push(word);
    length += word.length + 1;
  }
  return text.join(' ');
}
