import { formatGrantScope, parseGrantScope } from '../../auth/grant-scope.ts';
import type { Grant } from '../../auth/identity.ts';
import { Problem } from '../../lib/problem.ts';
import { ago } from '../ago.ts';
import type { CliContext } from '../context.ts';
import { table } from '../table.ts';
import { withControl } from '../with-control.ts';

interface TokenOptions {
  role: 'reader' | 'writer' | 'admin';
  project: string;
  repository?: string[];
  expires?: number;
  note: string;
  json?: boolean;
}

export async function createToken(context: CliContext, options: TokenOptions): Promise<number> {
  const { note, role, expires } = options;
  const expiresAt = expires === undefined ? undefined : Date.now() + expires;
  const grants = grantsOf(options);
  const made = await withControl(context, (control) => control.call('createToken', { note, grants, expiresAt }));
  if (options.json) context.terminal.out(`${JSON.stringify(made)}\n`);
  else {
    context.terminal.err(
      `Token ${made.id}: ${role} of ${grants.map(formatGrantScope).join(', ')}. It is shown once:\n`,
    );
    context.terminal.out(`${made.secret}\n`);
  }
  return 0;
}

/** A repository without a slash is one of --project. */
function grantsOf({ role, project, repository }: TokenOptions): Grant[] {
  if (repository === undefined) return [{ role, ...parseGrantScope(project) }];
  return repository.map((scope) => ({ role, ...parseGrantScope(scope.includes('/') ? scope : `${project}/${scope}`) }));
}

export async function listTokens(context: CliContext, options: { json?: boolean }): Promise<number> {
  const tokens = await withControl(context, (control) => control.call('tokens', {}));
  if (options.json) context.terminal.out(`${JSON.stringify(tokens, null, 2)}\n`);
  else {
    const rows = tokens.map((row) => [
      row.id,
      row.grants.join(', '),
      ago(row.createdAt),
      row.lastUsedAt === undefined ? 'never' : ago(row.lastUsedAt),
      row.expiresAt === undefined ? 'never' : new Date(row.expiresAt).toISOString().slice(0, 16),
      row.note,
    ]);
    context.terminal.out(
      table([['ID', 'MAY', 'CREATED', 'USED', 'EXPIRES', 'NOTE'], ...rows], context.terminal.columns),
    );
  }
  return 0;
}

export async function revokeToken(context: CliContext, _options: object, id: string): Promise<number> {
  const gone = await withControl(context, (control) => control.call('revokeToken', { id }));
  if (!gone) throw new Problem('not-found', `there is no token ${id}`, { hint: 'slipway token list shows the ids.' });
  context.terminal.out(`revoked ${id}\n`);
  return 0;
}
