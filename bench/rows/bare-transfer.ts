import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Descriptor } from '../../src/images/descriptor.ts';
import { MANIFEST_TYPES } from '../../src/images/media-types.ts';
import { parseReference } from '../../src/images/reference.ts';

interface BareManifest {
  mediaType: string;
  config: Descriptor;
  layers: Descriptor[];
}

/**
 * The bare work of moving an image between registries, for floors: curl for every blob, four at a time, sha256sum over what
 * came. No tokens, no rights, no record of anything.
 */
export class BareTransfer {
  readonly #folder: string;
  readonly #from: string;
  readonly #digests: string[];
  readonly #layers: string[];
  readonly #mediaType: string;

  private constructor(folder: string, from: string, manifest: BareManifest) {
    this.#folder = folder;
    this.#from = from;
    this.#digests = [manifest.config, ...manifest.layers].map(({ digest }) => digest);
    this.#layers = manifest.layers.map(({ digest }) => digest);
    this.#mediaType = manifest.mediaType;
  }

  /** @param image by digest; of an index the first platform */
  static async of(folder: string, image: string): Promise<BareTransfer> {
    const { host, repository, digest } = parseReference(image);
    const from = `http://${host}/v2/${repository}`;
    let text = await manifestText(from, digest ?? '');
    const [child] = (JSON.parse(text) as { manifests?: Descriptor[] }).manifests ?? [];
    if (child !== undefined) text = await manifestText(from, child.digest);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'manifest.json'), text);
    return new BareTransfer(folder, from, JSON.parse(text) as BareManifest);
  }

  /** Every blob into a folder of the run's own, and its digest. */
  pull(run: string): string {
    const at = join(this.#folder, run);
    const files = this.#digests.map((digest) => `-o ${at}/${digest.slice(7)} ${this.#from}/blobs/${digest}`);
    return `mkdir -p ${at}
      curl -sf -Z --parallel-max 4 ${files.join(' ')}
      (cd ${at} && sha256sum ${this.#digests.map((digest) => digest.slice(7)).join(' ')} > digests)`;
  }

  /** Unpacks what `pull` brought, one layer after the other. */
  unpack(run: string): string {
    const at = join(this.#folder, run);
    return `mkdir -p ${at}/root
      for layer in ${this.#layers.map((digest) => digest.slice(7)).join(' ')}; do tar -C ${at}/root -xzf ${at}/$layer; done`;
  }

  /** What `pull` brought into another registry, which is empty. */
  push(run: string, to: string): string {
    const at = join(this.#folder, run);
    return `
      send() {
        place=$(curl -sf -D - -o /dev/null -X POST -H 'Content-Length: 0' ${to}/blobs/uploads/ | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')
        curl -sf -o /dev/null -X PUT -H 'Content-Type: application/octet-stream' -T ${at}/$1 "$place&digest=sha256:$1"
      }
      for blob in ${this.#digests.map((digest) => digest.slice(7)).join(' ')}; do send $blob & done; wait
      ${this.#putManifest(to)}`;
  }

  /** The same image in another repository of its own registry. */
  mount(repository: string): string {
    const to = this.#from.replace(/\/v2\/.*/, `/v2/${repository}`);
    const from = this.#from.replace(/^.*\/v2\//, '');
    const requests = this.#digests.map(
      (digest) => `-o /dev/null -X POST -H 'Content-Length: 0' '${to}/blobs/uploads/?mount=${digest}&from=${from}'`,
    );
    return `curl -sf ${requests.join(' --next -sf ')}
      ${this.#putManifest(to)}`;
  }

  #putManifest(to: string): string {
    const file = join(this.#folder, 'manifest.json');
    return `curl -sf -o /dev/null -X PUT -H 'Content-Type: ${this.#mediaType}' --data-binary @${file} ${to}/manifests/latest`;
  }
}

async function manifestText(from: string, digest: string): Promise<string> {
  const response = await fetch(`${from}/manifests/${digest}`, { headers: { accept: MANIFEST_TYPES.join(', ') } });
  if (!response.ok) throw new Error(`${from}: manifest ${digest}: ${response.status}`);
  return response.text();
}
