import { readFile } from 'node:fs/promises';
import { messageOf, Problem } from '../../lib/problem.ts';

/** A path that is wrong is said when it is set, and not by the first pull as if upstream had failed. @throws Problem `invalid` */
export async function checkPasswordFile(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  let password = '';
  try {
    password = (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new Problem('invalid', `the server can't read the password: ${messageOf(error)}`, {
      hint: 'The file lies on the machine of the server, and holds the password alone.',
    });
  }
  if (password === '') throw new Problem('invalid', `the password in ${path} is empty`);
}
