const fileOfDrizzle = /\/node_modules\/drizzle-orm\/[^?#]*\.js$/

/**
 * The URL that an import in a file of drizzle-orm names, without looking into its package.json; null for all else. Its imports name
 * files relative to their own, with their extension, and every `.js` of it is an ES module.
 */
export function siblingOf(specifier: string, parentUrl: string | undefined): string | null {
  const known = /^\.{1,2}\/.*\.js$/.test(specifier) && parentUrl !== undefined && fileOfDrizzle.test(parentUrl)
  return known ? new URL(specifier, parentUrl).href : null
}
