import { readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import type { ContainerUsage } from '../../../containers/container.ts';
import type { ContainerRecord } from '../../../containers/container-record.ts';
import { timestamp } from '../../../lib/clock.ts';
import { pause } from '../../../lib/retry.ts';
import { sendJson } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { booleanOf } from '../query.ts';
import { JsonLines } from '../streams/json-lines.ts';
import { nameOf } from './lifecycle.ts';

/** Between two samples, as dockerd takes them. Milliseconds. */
const EVERY_MS = 1000;
/** Of /proc/stat: USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS = 100;

/** `docker stats`: samples for as long as the client listens, or one, which needs the one before for its percentages. */
export async function stats(call: DockerCall): Promise<void> {
  const { house, query, response, signal } = call;
  const { id } = house.containers.get(nameOf(call));
  const next = () => sample(call, id);
  if (!booleanOf(query, 'stream', true)) {
    const first = booleanOf(query, 'one-shot') ? undefined : await next();
    if (first?.running) await pause(EVERY_MS, signal);
    sendJson(response, 200, statsJson(await next(), first));
    return;
  }
  const lines = new JsonLines(call);
  lines.begin();
  for (let last: Sample | undefined; !signal.aborted; ) {
    const now = await next();
    await lines.send(statsJson(now, last));
    last = now;
    await pause(EVERY_MS, signal).catch(() => undefined);
  }
}

interface Sample {
  record: ContainerRecord;
  running: boolean;
  at: number;
  usage: ContainerUsage;
  /** Of all processors since the machine was started. Nanoseconds. */
  system: number;
}

async function sample({ house }: DockerCall, id: string): Promise<Sample> {
  const record = house.containers.get(id);
  const running = record.state.status === 'running' || record.state.status === 'paused';
  // it may end in between, which is no error
  const usage = running ? await house.containers.usage(id).catch(() => ({})) : {};
  return { record, running, usage, at: house.clock.now(), system: await systemTime() };
}

async function systemTime(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n', 1);
  // user, nice, system, idle, iowait, irq, softirq (proc(5)); the rest is counted within these
  const ticks = line
    .trim()
    .split(/\s+/)
    .slice(1, 8)
    .reduce((sum, text) => sum + Number(text), 0);
  return (ticks / TICKS) * 1e9;
}

const NEVER = '0001-01-01T00:00:00Z';

function statsJson(now: Sample, last: Sample | undefined): object {
  const { record, usage, running } = now;
  return {
    read: running ? timestamp(now.at) : NEVER,
    preread: last === undefined || !running ? NEVER : timestamp(last.at),
    pids_stats: usage.pids === undefined ? {} : { current: usage.pids },
    blkio_stats: blkioJson(usage),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuJson(running ? now : undefined),
    precpu_stats: cpuJson(running ? last : undefined),
    memory_stats: memoryJson(usage),
    name: `/${record.name}`,
    id: record.id,
    ...(usage.receivedBytes === undefined ? {} : { networks: { eth0: networkJson(usage) } }),
  };
}

function cpuJson(taken: Sample | undefined): object {
  const total = taken?.usage.cpuNanoseconds ?? 0;
  return {
    cpu_usage: { total_usage: total, usage_in_kernelmode: 0, usage_in_usermode: total },
    ...(taken === undefined ? {} : { system_cpu_usage: taken.system, online_cpus: availableParallelism() }),
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  };
}

function memoryJson({ memoryBytes, memoryLimitBytes, inactiveFileBytes = 0 }: ContainerUsage): object {
  if (memoryBytes === undefined) return {};
  return {
    usage: memoryBytes,
    // the client takes the page cache off by either name, the old one of cgroup v1 first
    stats: { inactive_file: inactiveFileBytes, total_inactive_file: inactiveFileBytes },
    limit: memoryLimitBytes ?? totalmem(),
  };
}

function blkioJson({ readBytes, writtenBytes }: ContainerUsage): object {
  const entry = (op: string, value: number | undefined) =>
    value === undefined ? [] : [{ major: 0, minor: 0, op, value }];
  return { io_service_bytes_recursive: [...entry('read', readBytes), ...entry('write', writtenBytes)] };
}

function networkJson({ receivedBytes = 0, sentBytes = 0 }: ContainerUsage): object {
  return {
    rx_bytes: receivedBytes,
    rx_packets: 0,
    rx_errors: 0,
    rx_dropped: 0,
    tx_bytes: sentBytes,
    tx_packets: 0,
    tx_errors: 0,
    tx_dropped: 0,
  };
}
