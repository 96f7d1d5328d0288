import { RE2JS } from 're2js';
import { messageOf, Problem } from '../../lib/problem.ts';

const LONGEST = 1000;

/** A regular expression that a user wrote: RE2's language, and matched in time that no text can make grow beyond its length. */
export interface UserRegex {
  /** Whether it matches somewhere in the text: `^` and `$` bind it to the ends. */
  finds(text: string): boolean;
}

/** @throws Problem `invalid` with RE2's complaint */
export function userRegex(pattern: string, where: string): UserRegex {
  if (pattern.length > LONGEST) throw new Problem('invalid', `${where}: longer than ${LONGEST} characters`);
  try {
    const compiled = RE2JS.compile(pattern);
    return { finds: (text) => compiled.matcher(text).find() };
  } catch (error) {
    throw new Problem('invalid', `${where}: ${messageOf(error)}`, {
      hint: 'Expressions are RE2: no look-ahead, no back-references. A branch of exactly that name is ^main$.',
    });
  }
}
