/** Draws a curve over a canvas, from the first value to the last, smoothed a little. */
export function drawCurve(canvas: HTMLCanvasElement, values: readonly number[]): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  if (values.length < 2) return;
  const largest = Math.max(...values);
  const x = (i: number): number => (i / (values.length - 1)) * (width - 20) + 10;
  const y = (value: number): number => height - 10 - (value / largest) * (height - 20);
  context.strokeStyle = '#d9480f';
  context.lineWidth = 2;
  context.beginPath();
  let smooth = values[0] ?? 0;
  for (const [i, value] of values.entries()) {
    smooth = 0.8 * smooth + 0.2 * value;
    context.lineTo(x(i), y(smooth));
  }
  context.stroke();
}
