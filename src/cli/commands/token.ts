import { Problem } from '../../lib/problem.ts';
import type { CliContext } from '../context.ts';
import { ago, table } from '../terminal.ts';
import { withControl } from '../with-control.ts';

interface TokenOptions {
  role: 'reader' | 'writer' | 'admin';
  project: string;
  repository?: string;
  expires?: string;
  note: string;
  json?: boolean;
}

export async function token(context: CliContext, options: TokenOptions, action: string, id?: string): Promise<number> {
  switch (action) {
    case 'create':
      return create(context, options);
    case 'list':
      return list(context, options);
    case 'revoke':
      return revoke(context, id);
    default:
      throw new Problem('invalid', `slipway token ${action}: no such action`, {
        hint: 'There is create, list and revoke.',
      });
  }
}

async function create(context: CliContext, options: TokenOptions): Promise<number> {
  const { note, role, project, repository, expires } = options;
  const expiresAt = expires === undefined ? undefined : Date.now() + durationMs(expires);
  const made = await withControl(context, (control) =>
    control.call('createToken', { note, role, project, repository, expiresAt }),
  );
  if (options.json) context.terminal.out(`${JSON.stringify(made)}\n`);
  else {
    context.terminal.err(
      `Token ${made.id}: ${role} of ${project}${repository === undefined ? '' : `/${repository}`}. It is shown once:\n`,
    );
    context.terminal.out(`${made.secret}\n`);
  }
  return 0;
}

async function list(context: CliContext, options: TokenOptions): Promise<number> {
  const tokens = await withControl(context, (control) => control.call('tokens', {}));
  if (options.json) context.terminal.out(`${JSON.stringify(tokens, null, 2)}\n`);
  else {
    const rows = tokens.map((row) => [
      row.id,
      row.grants.join(', '),
      ago(row.createdAt),
      row.lastUsedAt === undefined ? 'never' : ago(row.lastUsedAt),
      row.expiresAt === undefined ? 'never' : new Date(row.expiresAt).toISOString(),
      row.note,
    ]);
    context.terminal.out(table([['ID', 'MAY', 'CREATED', 'USED', 'EXPIRES', 'NOTE'], ...rows]));
  }
  return 0;
}

async function revoke(context: CliContext, id: string | undefined): Promise<number> {
  if (id === undefined)
    throw new Problem('invalid', 'slipway token revoke: which one?', { hint: 'slipway token list shows the ids.' });
  const gone = await withControl(context, (control) => control.call('revokeToken', { id }));
  if (!gone) throw new Problem('not-found', `there is no token ${id}`, { hint: 'slipway token list shows the ids.' });
  context.terminal.out(`revoked ${id}\n`);
  return 0;
}

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90m`, `12h`, `30d`. */
export function durationMs(text: string): number {
  const match = /^(\d+)([smhd])$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  if (match === null || unit === undefined)
    throw new Problem('invalid', `not a duration: ${JSON.stringify(text)}`, { hint: 'For example 90m, 12h or 30d.' });
  return Number(match[1]) * unit;
}
