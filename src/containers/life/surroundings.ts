import type { Clock } from '../../lib/clock.ts';
import type { ContainerRuntime, ContainerStarter } from '../container.ts';
import type { ContainerEvent } from '../container-event.ts';
import type { ContainerImages } from '../container-images.ts';
import type { KeptNetworks } from '../networks/kept-networks.ts';
import type { KeptVolumes } from '../volumes/kept-volumes.ts';
import type { KeptContainer } from './kept-container.ts';

/** What the containers of one scope share. */
export interface Surroundings {
  runtime: ContainerRuntime & ContainerStarter;
  /** Where things that run have their folders: DATA/run. */
  runFolder: string;
  images: ContainerImages;
  volumes: KeptVolumes;
  networks: KeptNetworks;
  clock: Clock;
  onEvent: (event: ContainerEvent) => void;
  /** Another container of the scope. @throws Problem `not-found` */
  find: (name: string) => KeptContainer;
  /** It has gone: its name is free again. */
  forget: (container: KeptContainer) => void;
}
