const SIDE = 28;

/** A canvas to draw on. MNIST's digits fill 20 of 28 pixels and have their centre of mass in the middle: so does what `pixels` gives. */
export class Pad {
  private readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;

  constructor(canvas: HTMLCanvasElement, onStroke: () => void) {
    this.canvas = canvas;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    if (context === null) throw new Error('this browser gives no canvas to draw on');
    this.context = context;
    context.strokeStyle = 'white';
    context.lineCap = 'round';
    context.lineJoin = 'round';
    context.lineWidth = canvas.width / 14;
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.begin(event);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (event.buttons !== 0) this.goOn(event);
    });
    canvas.addEventListener('pointerup', onStroke);
  }

  private begin(event: PointerEvent): void {
    this.context.beginPath();
    this.context.moveTo(event.offsetX, event.offsetY);
    this.goOn(event);
  }

  private goOn(event: PointerEvent): void {
    this.context.lineTo(event.offsetX, event.offsetY);
    this.context.stroke();
  }

  clear(): void {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** The drawing as 28 by 28 values from 0 to 1; undefined where nothing is drawn. */
  pixels(): Float32Array | undefined {
    const ink = this.ink();
    if (ink === undefined) return undefined;
    const { left, top, width, height, centerX, centerY } = ink;
    const scale = 20 / Math.max(width, height);
    const small = new OffscreenCanvas(SIDE, SIDE).getContext('2d');
    if (small === null) return undefined;
    small.imageSmoothingQuality = 'high';
    small.drawImage(
      this.canvas,
      left,
      top,
      width,
      height,
      SIDE / 2 - (centerX - left) * scale,
      SIDE / 2 - (centerY - top) * scale,
      width * scale,
      height * scale,
    );
    const { data } = small.getImageData(0, 0, SIDE, SIDE);
    return Float32Array.from({ length: SIDE * SIDE }, (_, i) => (data[4 * i + 3] ?? 0) / 255);
  }

  /** Where the drawing lies, and its centre of mass. */
  private ink() {
    const { width, height } = this.canvas;
    const { data } = this.context.getImageData(0, 0, width, height);
    let [left, right, top, bottom, mass, sumX, sumY] = [width, -1, height, -1, 0, 0, 0];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const alpha = data[4 * (y * width + x) + 3] ?? 0;
        if (alpha === 0) continue;
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
        mass += alpha;
        sumX += alpha * x;
        sumY += alpha * y;
      }
    }
    if (mass === 0) return undefined;
    return {
      left,
      top,
      width: right - left + 1,
      height: bottom - top + 1,
      centerX: sumX / mass,
      centerY: sumY / mass,
    };
  }
}
