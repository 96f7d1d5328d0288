import type { ContainerRecord } from '../../../containers/container-record.ts';
import { Problem } from '../../../lib/problem.ts';
import type { DockerCall } from '../call.ts';

/**
 * What lists call the image of a container: its name as long as that still means the same image, else its id. Names are
 * looked up once each.
 */
export class ImageNames {
  readonly #call: DockerCall;
  readonly #ids = new Map<string, Promise<string | undefined>>();

  constructor(call: DockerCall) {
    this.#call = call;
  }

  async shown({ request, imageId }: ContainerRecord): Promise<string> {
    return (await this.idOf(request.image)) === imageId ? request.image : imageId;
  }

  /** The image that a name means now. */
  idOf(name: string): Promise<string | undefined> {
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = this.#lookUp(name);
      this.#ids.set(name, id);
    }
    return id;
  }

  async #lookUp(name: string): Promise<string | undefined> {
    const { house, caller } = this.#call;
    try {
      return (await house.engine.inspect(name, caller)).image.id;
    } catch (error) {
      if (error instanceof Problem && error.code !== 'cancelled') return undefined;
      throw error;
    }
  }
}
