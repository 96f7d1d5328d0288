import { release } from 'node:os';
import { sendJson } from '../../http/answer.ts';
import { NEWEST_API, OLDEST_API } from '../api-version.ts';
import type { DockerCall } from '../call.ts';
import { architecture } from './machine.ts';

/** `docker version`: ours, under the names that docker's client prints. */
export async function version({ response, house }: DockerCall): Promise<void> {
  const shared = {
    ApiVersion: `1.${NEWEST_API}`,
    MinAPIVersion: `1.${OLDEST_API}`,
    GitCommit: '',
    GoVersion: `none (Node.js ${process.version})`,
    Os: 'linux',
    Arch: architecture().go,
    KernelVersion: release(),
    BuildTime: '',
  };
  sendJson(response, 200, {
    Platform: { Name: 'Slipway' },
    Components: [{ Name: 'Engine', Version: house.version, Details: { ...shared, Experimental: 'false' } }],
    Version: house.version,
    ...shared,
  });
}
