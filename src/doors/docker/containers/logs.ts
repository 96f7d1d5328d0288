import { Readable } from 'node:stream';
import { sendStream } from '../../http/answer.ts';
import type { DockerCall } from '../call.ts';
import { DockerError } from '../errors.ts';
import { booleanOf, momentOf } from '../query.ts';
import { streamType } from './attach.ts';
import { nameOf } from './lifecycle.ts';

export async function logs(call: DockerCall): Promise<void> {
  const { query, house, response, version, signal } = call;
  const { id, request } = house.containers.get(nameOf(call));
  const [stdout, stderr] = [booleanOf(query, 'stdout'), booleanOf(query, 'stderr')];
  if (!stdout && !stderr) throw new DockerError(400, 'Bad parameters: you must choose at least one stream');
  const tail = query.get('tail') ?? 'all';
  const options = {
    stdout,
    stderr,
    follow: booleanOf(query, 'follow'),
    timestamps: booleanOf(query, 'timestamps'),
    since: momentOf(query, 'since'),
    until: momentOf(query, 'until'),
    // as dockerd reads it: what is no number is all
    tail: /^\d{1,9}$/.test(tail) ? Number(tail) : undefined,
  };
  const lines = house.containers.logs(id, options, signal);
  response.writeHead(200, { 'Content-Type': streamType(request.terminal, version) });
  response.flushHeaders();
  await sendStream(response, Readable.from(lines, { objectMode: false }));
}
