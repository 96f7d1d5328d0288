import { type Document, isAlias, isCollection, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { type Place, Problem } from '../../lib/problem.ts';
import type { FieldPath } from './field-path.ts';
import { problemOf, readRequest } from './read-request.ts';
import type { BuildRequest } from './request.ts';

/** A cloudbuild.yaml or .json that was read, and where each of its values stands. */
export interface ConfigFile {
  request: BuildRequest;
  /** The place of a value (or, with `key`, of its name), or of the nearest part around it that is in the file. */
  placeOf(path: FieldPath, key?: boolean): Place;
}

/** Longest file taken; a build request of the API has the same order of size. */
const SIZE_LIMIT = 1 << 20;

/**
 * Reads a build config as `gcloud builds submit --config` does: camelCase or snake_case, a single value for a list.
 * JSON is YAML's subset and goes the same way.
 * @throws Problem `invalid` with file, line and column of the first mistake, naming the others
 */
export function parseConfigFile(text: string, file: string): ConfigFile {
  if (text.length > SIZE_LIMIT) throw new Problem('invalid', `${file} is longer than ${SIZE_LIMIT} characters`);
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, merge: true });
  const at = (from: number, to: number): Place => {
    const start = counter.linePos(from);
    const end = counter.linePos(to);
    return { file, text, ranges: [{ line: start.line, column: start.col, endLine: end.line, endColumn: end.col }] };
  };
  const placeOf = (path: FieldPath, key = false): Place => {
    const range = rangeOf(document, path, key);
    return range === undefined ? { file, text, ranges: [] } : at(range[0], range[1]);
  };
  const broken = document.errors[0];
  if (broken !== undefined)
    throw new Problem('invalid', `${file}: ${broken.message.split('\n')[0]}`, { place: at(...broken.pos) });
  const value = toValue(document, file);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Problem('invalid', `${file} holds no build: a map with \`steps\` is expected`, { place: placeOf([]) });
  const result = readRequest(value);
  if ('complaints' in result) throw problemOf(result.complaints, placeOf);
  if (result.request.source !== undefined)
    throw new Problem('invalid', 'config cannot specify source', {
      place: placeOf(['source']),
      hint: 'The source is what you submit: a folder, an archive or a gs:// object on the command line.',
    });
  return { request: result.request, placeOf };
}

function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new Problem('invalid', `${file}: too many aliases`, { cause: error });
  }
}

const snake = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Walks as far as the file goes along the path. */
function rangeOf(document: Document, path: FieldPath, wantKey: boolean): [number, number] | undefined {
  let node: unknown = document.contents;
  let range = plainRange(node, true);
  for (const [depth, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(
        ({ key }) => isScalar(key) && (key.value === part || key.value === snake(String(part))),
      );
      if (pair === undefined) break;
      const last = depth === path.length - 1 && !wantKey;
      range = (last ? plainRange(pair.value, false) : undefined) ?? plainRange(pair.key, true) ?? range;
      node = pair.value;
    } else if (isCollection(node) && typeof part === 'number') {
      const item: unknown = node.items[part];
      if (item === undefined) break;
      range = plainRange(item, true) ?? range;
      node = item;
    } else break; // a single value written for a list
  }
  return range;
}

/** From the start of a node to the end of its first line; a collection is only meant by `whole`. */
function plainRange(node: unknown, whole: boolean): [number, number] | undefined {
  if (!whole && !isScalar(node)) return undefined;
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined;
  const [from, to] = node.range as [number, number];
  return [from, isScalar(node) ? to : from + 1];
}
