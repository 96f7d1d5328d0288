import { create, toBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { OpSchema } from './gen/ops_pb.ts';
import { definitionOf, resultOf } from './result-definition.ts';

it('knows the graph that stands for a result again, and takes no other for one', () => {
  const { def = [], metadata = {} } = definitionOf('some-id');
  expect(resultOf(def)).toBe('some-id');
  expect(Object.keys(metadata)).toHaveLength(2);
  const real = toBinary(
    OpSchema,
    create(OpSchema, { op: { case: 'source', value: { identifier: 'docker-image://a' } } }),
  );
  expect(resultOf([real, ...def.slice(1)])).toBeUndefined();
  expect(resultOf([real, ...def])).toBeUndefined();
  expect(resultOf([Buffer.from('no message'), Buffer.alloc(0)])).toBeUndefined();
});
