// Loaded with Vitest's configuration, where packages would resolve to their builds: hence the path.
import { type CaseFile, suites, tier1Files } from '../../packages/backend-testkit/src/host/cases.ts';

/** What Node does for tests in a page, which reads no files. */
export const commands = {
  caseFiles: (): readonly CaseFile[] => suites.flatMap(tier1Files),
};

declare module 'vitest' {
  interface ProvidedContext {
    /** Whether the page is served with the headers that allow it threads. */
    isolated: boolean;
  }
}

declare module 'vitest/browser' {
  interface BrowserCommands {
    caseFiles: () => Promise<readonly CaseFile[]>;
  }
}
