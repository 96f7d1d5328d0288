import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../lib/problem.ts';
import type { Workspace } from '../run/workspace.ts';

/** As much of a step's output file as the API keeps. */
const LIMIT = 50 * 1024;

/**
 * Base64 of what each step wrote to $BUILDER_OUTPUT/output; empty where it wrote nothing.
 * @param masked takes secrets out of a text
 */
export async function readStepOutputs(
  workspace: Workspace,
  steps: number,
  masked: (text: string) => string,
): Promise<string[]> {
  const outputs: string[] = [];
  for (let index = 0; index < steps; index++)
    outputs.push(withoutSecrets(await readOutput(await workspace.outputs(index)), masked));
  return outputs;
}

/** Byte for byte, where there is no secret in it. */
function withoutSecrets(output: Buffer, masked: (text: string) => string): string {
  const text = output.toString('utf8');
  const shown = masked(text);
  return (shown === text ? output : Buffer.from(shown)).toString('base64');
}

/** The folder is ours, its content the step's: a link there is not followed, and a FIFO not waited for. */
async function readOutput(folder: string): Promise<Buffer> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    const file = await open(join(folder, 'output'), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return Buffer.alloc(0);
      const buffer = Buffer.alloc(LIMIT);
      const { bytesRead } = await file.read(buffer, 0, LIMIT, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ELOOP', 'ENXIO')) return Buffer.alloc(0);
    throw error;
  }
}
