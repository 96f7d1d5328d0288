/** A command of a shell script: its words without quotes, and where it begins in the script. */
export interface ShellCommand {
  words: string[];
  offset: number;
}

/**
 * The simple commands of a script, as far as they can be told apart without running it: words, quotes, continued lines,
 * `;`, `&&`, `|`. Variables stay as they are written.
 */
export function shellCommands(script: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let words: string[] = [];
  let word: string | undefined;
  let offset = 0;
  let quote = '';
  const endWord = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) commands.push({ words, offset });
    words = [];
  };
  for (let at = 0; at < script.length; at++) {
    const character = script[at] ?? '';
    if (quote !== '') {
      if (character === quote) quote = '';
      else if (character === '\\' && quote === '"') word = (word ?? '') + (script[++at] ?? '');
      else word = (word ?? '') + character;
    } else if (character === '\\') {
      const next = script[++at];
      if (next === '\r') at++;
      if (next !== '\n' && next !== '\r') word = (word ?? '') + (next ?? '');
    } else if (character === '#' && word === undefined) {
      const end = script.indexOf('\n', at);
      at = (end < 0 ? script.length : end) - 1;
    } else if (/[;&|\n()]/.test(character) && !(character === '(' && word?.endsWith('$'))) endCommand();
    else if (/\s/.test(character)) endWord();
    else {
      if (word === undefined && words.length === 0) offset = at;
      if (character === '"' || character === "'") {
        quote = character;
        word ??= '';
      } else word = (word ?? '') + character;
    }
  }
  endCommand();
  return commands;
}
