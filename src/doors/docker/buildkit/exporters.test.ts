import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { exportersOf } from './exporters.ts';
import { SolveRequestSchema } from './gen/control_pb.ts';

const of = (request: MessageInitShape<typeof SolveRequestSchema>) => exportersOf(create(SolveRequestSchema, request));

it('reads what is to be named and pushed, from clients of any age', () => {
  const attrs = { name: 'a:1,host.lab/b', push: 'true' };
  const expected = {
    tags: ['docker.io/library/a:1', 'host.lab/b:latest'],
    pushed: ['docker.io/library/a:1', 'host.lab/b:latest'],
  };
  expect(of({ exporter: 'moby', exporterAttrs: attrs })).toMatchObject(expected);
  expect(of({ exporter: 'moby', exporterAttrs: attrs, exporters: [{ type: 'moby', attrs }] })).toMatchObject(expected);
  expect(of({ exporters: [{ type: 'local' }, { type: 'image', attrs: { name: 'c' } }] })).toEqual({
    all: [
      { type: 'local', attributes: {} },
      { type: 'image', attributes: { name: 'c' } },
    ],
    tags: ['docker.io/library/c:latest'],
    pushed: [],
  });
  expect(of({})).toEqual({ all: [], tags: [], pushed: [] });
});

it('refuses what would give something else than was asked for', () => {
  for (const [attrs, said] of [
    [{ 'annotation.a': 'b' }, '--annotation is not served'],
    [{ 'annotation-manifest[linux/amd64].a': 'b' }, '--annotation is not served'],
    [{ tar: 'false' }, 'tar=false is not served'],
    [{ compression: 'zstd' }, 'compression is not served'],
  ] as const)
    expect(() => of({ exporters: [{ type: 'oci', attrs }] })).toThrow(said);
  expect(of({ exporters: [{ type: 'oci', attrs: { compression: 'gzip', tar: 'true' } }] }).all).toHaveLength(1);
});
