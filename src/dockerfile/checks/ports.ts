import type { Word } from '../lex/nodes.ts';
import { fixBy } from './fix.ts';
import type { Remark } from './warnings.ts';

/** What a word of EXPOSE turned out to be. */
export interface ExposedWord {
  /** After substitution. */
  text: string;
  hostPart: boolean;
  upperCase: boolean;
}

/** ExposeInvalidFormat, ExposeProtoCasing. */
export function checkPort({ text, hostPart, upperCase }: ExposedWord, word: Word, remark: Remark): void {
  const right = text.slice(text.lastIndexOf(':') + 1).toLowerCase();
  const fix = fixBy(`Write ${right}`, word.text === text ? { range: word.range, text: right } : undefined);
  if (hostPart)
    remark(
      'ExposeInvalidFormat',
      `EXPOSE instruction should not define an IP address or host-port mapping, found '${text}'`,
      [word.range],
      {
        ...fix,
        text: `${fix.text}; which port of the host leads to it is said when the container starts: docker run -p`,
      },
    );
  if (upperCase)
    remark(
      'ExposeProtoCasing',
      `Defined protocol '${text}' in EXPOSE instruction should be lowercase`,
      [word.range],
      fix,
    );
}
