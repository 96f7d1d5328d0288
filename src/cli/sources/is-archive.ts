/** Whether a source is an archive that is taken as it is, by its name. */
export function isArchive(path: string): boolean {
  return /\.(?:tgz|tar\.gz|zip)$/.test(path);
}
