import { isMap, isScalar, isSeq, LineCounter, type Node } from 'yaml';
import { readYaml } from '../../builds/request/yaml-document.ts';
import type { Place } from '../../lib/problem.ts';
import type { LintText } from './project.ts';

/** A line (or block) of a job's script. */
export interface CiCommand {
  job: string;
  text: string;
  place: Place;
}

/** .gitlab-ci.yml, as far as it matters here: what its jobs run. */
export interface CiConfig extends LintText {
  commands: readonly CiCommand[];
}

const SCRIPTS = ['before_script', 'script', 'after_script'];

/** Undefined for a text that is no YAML map; GitLab says so itself. */
export function readCiConfig(text: string, file: string): CiConfig | undefined {
  const counter = new LineCounter();
  const yaml = readYaml(text, counter);
  if ('fault' in yaml || !isMap(yaml.document.contents)) return undefined;
  const placeOf = (node: Node): Place => {
    const [from, to] = node.range ?? [0, 0];
    const end = text.indexOf('\n', from);
    const start = counter.linePos(from);
    const stop = counter.linePos(end < 0 ? to : Math.min(to, end));
    return { file, text, ranges: [{ line: start.line, column: start.col, endLine: stop.line, endColumn: stop.col }] };
  };
  const commands: CiCommand[] = [];
  for (const { key, value } of yaml.document.contents.items) {
    if (!isScalar(key) || !isMap(value)) continue;
    for (const pair of value.items) {
      if (!isScalar(pair.key) || !SCRIPTS.includes(String(pair.key.value))) continue;
      const lines = isSeq(pair.value) ? pair.value.items : [pair.value];
      for (const line of lines)
        if (isScalar(line) && typeof line.value === 'string')
          commands.push({ job: String(key.value), text: line.value, place: placeOf(line) });
    }
  }
  return { file, text, commands };
}
