import { type Document, isAlias, isCollection, isMap, isScalar, LineCounter } from 'yaml';
import { type Place, Problem } from '../../lib/problem.ts';
import type { FieldPath } from './field-path.ts';
import { problemOf, readRequest } from './read-request.ts';
import type { BuildRequest } from './request.ts';
import { readYaml } from './yaml-document.ts';

/** A cloudbuild.yaml or .json that was read, and where each of its values stands. */
export interface ConfigFile {
  request: BuildRequest;
  /**
   * The place of a value, or of a word in it, or of the nearest part around it that is in the file. Of a value of several
   * lines without a word it is the first line.
   */
  placeOf(path: FieldPath, word?: string): Place;
}

/**
 * Reads a build config as `gcloud builds submit --config` does: camelCase or snake_case, a single value for a list.
 * JSON is YAML's subset and goes the same way.
 * @throws Problem `invalid` with file, line and column of the first mistake, naming the others
 */
export function parseConfigFile(text: string, file: string): ConfigFile {
  const counter = new LineCounter();
  const yaml = readYaml(text, counter);
  const at = (from: number, to: number): Place => {
    const start = counter.linePos(from);
    const end = counter.linePos(to);
    return { file, text, ranges: [{ line: start.line, column: start.col, endLine: end.line, endColumn: end.col }] };
  };
  if ('fault' in yaml) {
    const { message, from, to } = yaml.fault;
    throw new Problem('invalid', `${file}: ${message}`, { place: at(from, to) });
  }
  const { document, value } = yaml;
  const placeFrom = (range: [number, number] | undefined): Place => {
    if (range === undefined) return { file, text, ranges: [] };
    const end = text.indexOf('\n', range[0]);
    return at(range[0], end < 0 ? range[1] : Math.max(range[0], Math.min(range[1], end)));
  };
  const placeOf = (path: FieldPath, word?: string): Place => {
    const range = rangeOf(document, path, false);
    return placeFrom(range && (word === undefined ? range : (wordIn(text, range, word) ?? range)));
  };
  const placeOfKey = (path: FieldPath): Place => placeFrom(rangeOf(document, path, true));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Problem('invalid', `${file} holds no build: a map with \`steps\` is expected`, { place: placeOf([]) });
  const result = readRequest(value);
  if ('complaints' in result) throw problemOf(result.complaints, placeOf, placeOfKey);
  if (result.request.source !== undefined)
    throw new Problem('invalid', 'config cannot specify source', {
      place: placeOf(['source']),
      hint: 'The source is what you submit: a folder, an archive or a gs:// object on the command line.',
    });
  return { request: result.request, placeOf };
}

/** Where a template stands in the text of a value: not escaped by a dollar before it, and not the beginning of a longer name. */
function wordIn(text: string, [from, to]: [number, number], word: string): [number, number] | undefined {
  for (let at = text.indexOf(word, from); at >= 0 && at < to; at = text.indexOf(word, at + 1)) {
    const dollars = /\$*$/.exec(text.slice(from, at))?.[0].length ?? 0;
    const longer = /[A-Z0-9_]$/.test(word) && /^[A-Z0-9_]/.test(text.slice(at + word.length, at + word.length + 1));
    if (dollars % 2 === 0 && !longer) return [at, at + word.length];
  }
  return undefined;
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
