import type { Digest } from '../../images/digest.ts';
import type { BlobInfo } from '../content/content.ts';
import type { PieceId } from './piece.ts';

/** Where a piece lies. */
export interface PiecePlace {
  piece: PieceId;
  pack: Digest;
  /** Bytes before it in the pack. */
  at: number;
  size: number;
}

/** A list of which everything that it names is here. */
export interface WholeList {
  list: PieceId;
  /** Of the files, or the parts of a file, that it names. */
  bytes: number;
}

/**
 * The rows behind incremental sources: which pieces of files a project has sent, in which packs. All is the project's own: a
 * piece that another has sent is not there. What a pack that is gone held is as if it had never come.
 */
export interface SourceRows {
  /** Records a pack that is in the content store; pieces that are there stay where they are. */
  addPack(project: string, pack: BlobInfo, pieces: readonly Omit<PiecePlace, 'pack'>[]): Promise<void>;
  /** Those of these pieces that are there, in no order. */
  places(project: string, pieces: readonly PieceId[]): Promise<PiecePlace[]>;
  /** Those of these lists that are whole. */
  whole(project: string, lists: readonly PieceId[]): Promise<WholeList[]>;
  /** @param packs all that hold the list or something that it names */
  addWhole(project: string, list: WholeList, packs: readonly Digest[]): Promise<void>;
  /** Packs of these lists, and these packs, were asked for now. */
  use(project: string, used: { lists?: readonly PieceId[]; packs?: readonly Digest[] }): Promise<void>;
  /** Those of these digests that are packs. */
  claimed(digests: Digest[]): Promise<Digest[]>;
  /** Forgets packs that nobody asked for since then (milliseconds since 1970), and what was in them. @returns how many */
  forget(unusedSince: number): Promise<number>;
}
