/** The version of core, as in its package.json; two versions in one program refuse each other. */
export const version = '0.0.0';
