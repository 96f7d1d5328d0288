import type { z } from 'zod';
import { readBody } from '../http/body.ts';
import type { StorageCall } from './call.ts';
import { StorageError } from './errors.ts';

/** The longest metadata that Cloud Storage keeps is 8 KiB; a composition of 32 long names needs more. */
export const JSON_BYTES = 1 << 20;

/** A JSON body; an empty one is `{}`. @throws StorageError 400, BodyTooLong */
export async function readJson<T>(call: StorageCall, schema: z.ZodType<T>): Promise<T> {
  return parseJson(await readBody(call.request, JSON_BYTES), schema);
}

export function parseJson<T>(bytes: Buffer, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = bytes.length === 0 ? {} : JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new StorageError(400, 'parseError', 'The request body is not JSON.');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new StorageError(400, 'invalid', `Invalid value for ${issue?.path.join('.') || 'the body'}: ${issue?.message}`);
}
