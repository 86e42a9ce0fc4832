/** Every operator, by family. */
export * from './functions.ts';
export * from './methods.ts';
