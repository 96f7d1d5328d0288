import { googleErrors } from '../http/google-errors.ts';

/** The only place where this door makes an error. */
export const sendError = googleErrors('secretmanager');
