/** Named folders that containers share. */
export interface Volumes {
  create(name: string | undefined, labels: Record<string, string>): Promise<VolumeRecord>;
  get(name: string): VolumeRecord;
  list(): VolumeRecord[];
  /** @throws Problem `conflict` when a container uses it */
  remove(name: string, force: boolean): Promise<void>;
}

export interface VolumeRecord {
  name: string;
  labels: Record<string, string>;
  createdAt: number;
  folder: string;
  /** Made for one container, without a name of a person's. */
  anonymous: boolean;
}
