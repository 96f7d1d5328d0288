import { formatBytes } from '../../lib/bytes.ts';
import type { RegistrySize } from '../../stores/registry/registry.ts';
import { type Repository, repositoryPath } from '../../stores/repositories/repository.ts';
import type { UpstreamState } from '../../stores/upstream/upstream-state.ts';
import { ago } from '../ago.ts';
import type { CliContext } from '../context.ts';
import { table } from '../table.ts';
import { upstreamLine } from '../upstream-line.ts';
import { withControl } from '../with-control.ts';

export async function listRepositories(
  context: CliContext,
  { project, json }: { project?: string; json?: boolean },
): Promise<number> {
  const found = await withControl(context, (control) => control.call('repositories', { project }));
  if (json) context.terminal.out(`${JSON.stringify(found, null, 2)}\n`);
  else if (found.length === 0)
    context.terminal.out('There is no repository yet: the first push makes one, or slipway repo create.\n');
  else
    context.terminal.out(
      table([
        ['REPOSITORY', 'MODE', 'SIZE', 'ITS OWN', 'CHANGED', 'DESCRIPTION'],
        ...found.map((one) => [
          repositoryPath(one),
          one.mode,
          formatBytes(one.bytes),
          formatBytes(one.ownBytes),
          ago(one.updatedAt),
          one.description,
        ]),
      ]),
    );
  return 0;
}

export async function describeRepository(
  context: CliContext,
  { json }: { json?: boolean },
  name: string,
): Promise<number> {
  const found = await withControl(context, (control) => control.call('repository', { name }));
  context.terminal.out(json ? `${JSON.stringify(found, null, 2)}\n` : table(factsOf(found)));
  return 0;
}

function factsOf(repository: Repository & RegistrySize & { upstream?: UpstreamState | undefined }): [string, string][] {
  const { remote, virtual } = repository;
  return [
    ['name', repositoryPath(repository)],
    ['mode', repository.mode],
    ...(repository.description === '' ? [] : [['description', repository.description] as [string, string]]),
    ['size', `${formatBytes(repository.bytes)}, ${formatBytes(repository.ownBytes)} of it nowhere else`],
    ['tags', repository.immutableTags ? 'immutable' : 'may move'],
    ['pulls', repository.anonymousPull ? 'by everybody' : 'with a token'],
    ...(remote === undefined ? [] : ([['upstream', upstream(remote)]] as [string, string][])),
    ...(repository.upstream === undefined
      ? []
      : ([['quota', upstreamLine(repository.upstream)]] as [string, string][])),
    ...(virtual ?? []).map((member): [string, string] => [
      'behind it',
      `${repositoryPath(member.repository)}, priority ${member.priority}`,
    ]),
    ...repository.cleanupPolicies.map((policy): [string, string] => ['cleanup', JSON.stringify(policy)]),
    ...(repository.cleanupDryRun ? [['cleanup', 'dry run: nothing is deleted'] as [string, string]] : []),
    ['created', new Date(repository.createdAt).toISOString()],
  ];
}

function upstream({ url, username, platforms, freshSeconds }: NonNullable<Repository['remote']>): string {
  const parts = [url, `a tag is believed for ${freshSeconds} s`];
  if (username !== undefined) parts.push(`as ${username}`);
  if (platforms !== undefined) parts.push(`platforms ${platforms.join(', ')}`);
  return parts.join('; ');
}
