import { existsSync } from 'node:fs';

/** Software adapters on which the backend is tested where there is no graphics card. */
export type DriverName = 'lavapipe' | 'swiftshader';

interface Driver {
  /** Where installations put the file that names the Vulkan driver. */
  readonly places: readonly string[];
  /** What gets it on Debian. */
  readonly install: string;
  /** What the adapter calls itself. */
  readonly pattern: RegExp;
}

export const DRIVERS: Readonly<Record<DriverName, Driver>> = {
  lavapipe: {
    places: ['lvp_icd.json', 'lvp_icd.x86_64.json', 'lvp_icd.aarch64.json'].map(
      (file) => `/usr/share/vulkan/icd.d/${file}`,
    ),
    install:
      'apt install libvulkan1 mesa-vulkan-drivers (Mesa 24 or newer; Debian 12: from bookworm-backports)',
    pattern: /llvmpipe/i,
  },
  swiftshader: {
    places: [
      '/usr/lib/chromium',
      '/usr/lib/chromium-browser',
      '/opt/google/chrome',
      '/opt/chromium.org/chromium',
    ].map((folder) => `${folder}/vk_swiftshader_icd.json`),
    install: 'apt install chromium libvulkan1',
    pattern: /swiftshader/i,
  },
};

/** The file that names a driver, or `undefined` where it is not installed. */
export const driverFile = (name: DriverName): string | undefined =>
  DRIVERS[name].places.find((place) => existsSync(place));

/** The Chromium to test in, or `undefined` where there is none. */
export const chromiumPath = (): string | undefined =>
  [
    process.env.CHROMIUM_PATH,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ].find((path) => path !== undefined && existsSync(path));

/** One line for each part of the tests that this machine cannot run, with what to install. */
export function missing(): string[] {
  const lines = (Object.keys(DRIVERS) as DriverName[])
    .filter((name) => driverFile(name) === undefined)
    .map((name) => `WebGPU in Node on ${name}: ${DRIVERS[name].install}`);
  if (chromiumPath() === undefined)
    lines.push(
      'pages in Chromium (*.browser.test.ts, *.page.test.ts): apt install chromium, or name one in CHROMIUM_PATH',
    );
  return lines;
}
