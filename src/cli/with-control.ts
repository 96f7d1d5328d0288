import type { CliContext } from './context.ts';
import type { ControlClient } from './services.ts';

/** Uses the running server, or this process as the owner, and lets go of it however the work ends. */
export async function withControl<T>(context: CliContext, work: (control: ControlClient) => Promise<T>): Promise<T> {
  const control = await context.control();
  try {
    return await work(control);
  } finally {
    await control.close();
  }
}
