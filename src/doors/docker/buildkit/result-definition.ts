import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { digestOf } from '../../../images/digest.ts';
import { type DefinitionSchema, OpSchema } from './gen/ops_pb.ts';

/** No source of BuildKit's: a client passes it on unread when one build uses the result of another. */
const SCHEME = 'slipway-result://';

/** A graph that stands for a result of ours. */
export function definitionOf(id: string): MessageInitShape<typeof DefinitionSchema> {
  const source = toBinary(
    OpSchema,
    create(OpSchema, { op: { case: 'source', value: { identifier: `${SCHEME}${id}` } } }),
  );
  const end = toBinary(OpSchema, create(OpSchema, { inputs: [{ digest: digestOf(source) }] }));
  return { def: [source, end], metadata: { [digestOf(source)]: {}, [digestOf(end)]: {} } };
}

/** The result that a graph stands for; undefined for any graph that is really one. */
export function resultOf(def: readonly Uint8Array[]): string | undefined {
  const ids = def.map(identifierOf).filter((id) => id !== undefined);
  return def.length === 2 && ids.length === 1 ? ids[0] : undefined;
}

function identifierOf(bytes: Uint8Array): string | undefined {
  try {
    const { op } = fromBinary(OpSchema, bytes);
    if (op.case !== 'source' || !op.value.identifier.startsWith(SCHEME)) return undefined;
    return op.value.identifier.slice(SCHEME.length);
  } catch {
    return undefined;
  }
}
