import type { DockerCall } from '../call.ts';

/** Tells `docker events` what became of an image. @param name as a person writes it; absent: it has none */
export function tell({ house }: DockerCall, action: string, id: string, name?: string): void {
  const attributes: Record<string, string> = name === undefined ? {} : { name };
  house.events.tell({ type: 'image', action, id, attributes, at: house.clock.now() });
}
