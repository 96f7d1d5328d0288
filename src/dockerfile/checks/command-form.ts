import type { CommandInstruction } from '../instructions/instruction.ts';
import type { Remark } from './warnings.ts';

/** JSONArgsRecommended; not where SHELL was set, because then the shell is meant. */
export function checkCommandForm({ node, command }: CommandInstruction, remark: Remark): void {
  if (command.form === 'exec') return;
  const [word] = node.words;
  const array = execForm(command.line);
  remark(
    'JSONArgsRecommended',
    `JSON arguments recommended for ${node.name} to prevent unintended behavior related to OS signals`,
    [node.range],
    array === undefined || word === undefined
      ? {
          text: `Write ${node.name} ["program", "argument"]; where a shell is needed say so, with SHELL, or ${node.name} ["/bin/sh", "-c", "exec ..."]`,
        }
      : {
          text: 'Write an array, so that the program itself gets the signals',
          edits: [{ range: word.range, text: array }],
        },
  );
}

/** Words that mean the same to a shell and to execve. */
const PLAIN = /^[\w./:@%+,-][\w./:@%+,=-]*$/;
const BUILTINS = new Set([
  '.',
  'cd',
  'eval',
  'exec',
  'exit',
  'export',
  'if',
  'set',
  'source',
  'for',
  'while',
  'ulimit',
]);

/** The same command as an array, where no shell is needed to read it. */
function execForm(line: string): string | undefined {
  const words = line.trim().split(/\s+/);
  const [program = ''] = words;
  if (BUILTINS.has(program) || program.includes('=') || !words.every((word) => PLAIN.test(word))) return undefined;
  return `[${words.map((word) => JSON.stringify(word)).join(', ')}]`;
}
