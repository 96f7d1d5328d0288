import type { Engine, PushResult } from '../../engine/engine.ts';
import type { ImageBuildRequest } from '../../engine/request.ts';

interface EngineHooks {
  onPush(result: PushResult): void;
  /** What is built in its place. */
  onBuild(request: ImageBuildRequest): ImageBuildRequest;
}

/**
 * The same engine, noting what is built and pushed through it, so that images which a step pushed by itself stand in the
 * build's results like those of `images:`.
 */
export function recordPushes(engine: Engine, { onPush, onBuild }: EngineHooks): Engine {
  return {
    shelf: engine.shelf,
    build: (request, ...args) => engine.build(onBuild(request), ...args),
    pull: (...args) => engine.pull(...args),
    push: async (...args) => {
      const result = await engine.push(...args);
      onPush(result);
      return result;
    },
    pushAll: async (...args) => {
      const results = await engine.pushAll(...args);
      for (const result of results) onPush(result);
      return results;
    },
    copy: (...args) => engine.copy(...args),
    copyAll: (...args) => engine.copyAll(...args),
    tag: (...args) => engine.tag(...args),
    images: (...args) => engine.images(...args),
    inspect: (...args) => engine.inspect(...args),
    remove: (...args) => engine.remove(...args),
    files: (...args) => engine.files(...args),
    save: (...args) => engine.save(...args),
    load: (...args) => engine.load(...args),
    saveFolder: (...args) => engine.saveFolder(...args),
    loadFolder: (...args) => engine.loadFolder(...args),
    rootfs: (...args) => engine.rootfs(...args),
    endScope: (...args) => engine.endScope(...args),
  };
}
