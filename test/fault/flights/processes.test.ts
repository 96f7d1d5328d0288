import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FlightControl } from '../../../src/adapters/owner/flights.ts';
import { type ObjectServer, serveObjects } from '../../../src/adapters/owner/server.ts';
import { temporaryDataFolder } from '../../suites/temporary-folder.ts';

const TSX = join(import.meta.dirname, '../../../node_modules/tsx/dist/esm/index.mjs');

let folder: Awaited<ReturnType<typeof temporaryDataFolder>>;
let control: FlightControl;
let owner: ObjectServer;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await temporaryDataFolder();
  control = new FlightControl();
  owner = await serveObjects(folder.folder.rowsSocket, {
    objects: ({ closed }) => ({ flights: control.of(closed) }),
  });
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await owner.close();
  await folder.remove();
});

/** Another process that wants the key; `said` is all that it has said. */
function want(key: string): { child: ChildProcess; said: () => string } {
  const command = ['--import', TSX, join(import.meta.dirname, 'holder.ts'), folder.folder.rowsSocket, key];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  return { child, said: () => said };
}

it('one operation has one doer across processes, and a killed one makes way for the next', async () => {
  const first = want('run:a');
  await expect.poll(first.said, { timeout: 20_000 }).toContain('has it');
  const second = want('run:a');
  const other = want('run:b');
  await expect.poll(other.said, { timeout: 20_000 }).toContain('has it');
  await expect.poll(second.said, { timeout: 20_000 }).toBe('asked\n');
  // the same holder's name in another process is another holder
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(second.said()).toBe('asked\n');
  first.child.kill('SIGKILL');
  await expect.poll(second.said).toContain('has it');
  for (const { child } of [second, other]) child.kill('SIGKILL');
  await expect.poll(() => control.size).toBe(0);
});
