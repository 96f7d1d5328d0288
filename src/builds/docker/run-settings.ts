import type { RunSettings } from '../../engine/request.ts';
import { Problem } from '../../lib/problem.ts';
import type { Flags } from './flags.ts';

/** What `docker build` may say of the containers of RUN lines. @throws Problem `invalid` in docker's words */
export function runSettings(flags: Flags): RunSettings | undefined {
  const memory = sizeFlag(flags, 'memory');
  const memorySwap = flags.one('memory-swap') === '-1' ? -1 : sizeFlag(flags, 'memory-swap');
  const shares = numberFlag(flags, 'cpu-shares');
  const quota = numberFlag(flags, 'cpu-quota');
  const cpuset = flags.one('cpuset-cpus');
  const limits = {
    ...(memory ? { memoryBytes: memory } : {}),
    ...(memorySwap ? { memorySwapBytes: memorySwap } : {}),
    ...(shares ? { cpuShares: shares } : {}),
    ...(quota && quota > 0 ? { cpus: quota / (numberFlag(flags, 'cpu-period') || 100_000) } : {}),
    ...(cpuset ? { cpuset } : {}),
  };
  const shmBytes = sizeFlag(flags, 'shm-size');
  const settings: RunSettings = {
    ...(flags.has('add-host') ? { extraHosts: flags.all('add-host').map(extraHost) } : {}),
    ...(flags.has('ulimit') ? { ulimits: flags.all('ulimit').map(ulimit) } : {}),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(shmBytes ? { shmBytes } : {}),
  };
  return Object.keys(settings).length === 0 ? undefined : settings;
}

function sizeFlag(flags: Flags, name: string): number | undefined {
  const text = flags.one(name);
  if (text === undefined || text === '') return undefined;
  const match = /^(\d{1,12})\s*([kmgt]?)i?b?$/i.exec(text);
  if (match === null)
    throw new Problem('invalid', `invalid argument "${text}" for "--${name}" flag: invalid size: '${text}'`);
  return Number(match[1]) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf((match[2] ?? '').toLowerCase());
}

function numberFlag(flags: Flags, name: string): number | undefined {
  const text = flags.one(name);
  if (text === undefined || text === '') return undefined;
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw new Problem(
    'invalid',
    `invalid argument "${text}" for "--${name}" flag: strconv.ParseInt: parsing "${text}": invalid syntax`,
  );
}

/** `name:ip`, `name=ip`; an address of version 6 may stand in brackets. */
function extraHost(text: string): string {
  const match = /^([^:=]+)[:=](.+)$/.exec(text);
  const ip = match?.[2]?.replace(/^\[(.*)\]$/, '$1');
  if (match === null || ip === undefined)
    throw new Problem(
      'invalid',
      `invalid argument "${text}" for "--add-host" flag: bad format for add-host: "${text}"`,
    );
  if (ip === 'host-gateway')
    throw new Problem('denied', `--add-host ${text}: a build does not reach this machine`, {
      hint: 'Name the address of another machine.',
    });
  return `${match[1]}:${ip}`;
}

function ulimit(text: string): NonNullable<RunSettings['ulimits']>[number] {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (match === null)
    throw new Problem('invalid', `invalid argument "${text}" for "--ulimit" flag: invalid ulimit argument: ${text}`);
  const soft = Number(match[2]);
  return { name: match[1] ?? '', soft, hard: match[3] === undefined ? soft : Number(match[3]) };
}
