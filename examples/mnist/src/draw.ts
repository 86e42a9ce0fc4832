const SIZE = 28;
const SHADES = ' .:+*#';

/** A character for two pixels above each other, as characters are twice as high as wide. */
function rows(image: Uint8Array): string[] {
  return Array.from({ length: SIZE / 2 }, (_, row) =>
    Array.from({ length: SIZE }, (_, column) => {
      const at = 2 * row * SIZE + column;
      const ink = (image[at]! + image[at + SIZE]!) / 2 / 256;
      return SHADES[Math.floor(ink * SHADES.length)];
    }).join(''),
  );
}

/**
 * Digits side by side as text, each with its label and what the model thinks of it.
 *
 * @param chances the model's ten chances for each image, one image after the other
 */
export function drawDigits(
  images: readonly Uint8Array[],
  labels: ArrayLike<number | bigint>,
  chances: ArrayLike<number | bigint>,
): string {
  const pictures = images.map(rows);
  const lines = pictures[0]!.map((_, row) => pictures.map((picture) => picture[row]).join(' '));
  const captions = images.map((_, i) => {
    const own = Array.from({ length: 10 }, (_, digit) => Number(chances[10 * i + digit]));
    const best = own.indexOf(Math.max(...own));
    return `${labels[i]}: model says ${best} (${(100 * own[best]!).toFixed(1)} %)`.padEnd(SIZE);
  });
  return [...lines, captions.join(' ')].map((line) => line.trimEnd()).join('\n');
}
