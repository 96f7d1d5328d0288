/**
 * Where the images stand that containers of a scope run on, each under its container's id: so they are kept from collection
 * like named images, whatever becomes of their names, and end with the scope.
 */
export function containersOf(scope: string): string {
  return `${scope}/containers`;
}
