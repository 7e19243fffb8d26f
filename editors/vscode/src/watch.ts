/** Looking again and again at what waits: one look at a time, slower while nobody looks, slower after each fault. */

export interface Timer {
  after(milliseconds: number, what: () => void): () => void;
}

/** Times that the pause may double. Reason: five seconds become some minutes, and not hours. */
const DOUBLED_MAX = 6;

/** How much slower where the window is not in front. Reason: a process each few seconds is a price that somebody should see something for. */
const BEHIND = 6;

export class Watch {
  private faults = 0;
  private stop: (() => void) | undefined;
  private ended = false;
  private looking = false;

  constructor(
    private readonly look: () => Promise<void>,
    private readonly seconds: () => number,
    private readonly inFront: () => boolean,
    private readonly timer: Timer,
  ) {}

  pause(): number {
    return this.seconds() * 1000 * (this.inFront() ? 1 : BEHIND) * 2 ** Math.min(this.faults, DOUBLED_MAX);
  }

  async now(): Promise<void> {
    if (this.ended || this.looking) return;
    this.stop?.();
    this.looking = true;
    try {
      await this.look();
      this.faults = 0;
    } catch {
      // Whoever looks has told of it; here it only makes the pause longer.
      this.faults += 1;
    } finally {
      this.looking = false;
      this.next();
    }
  }

  dispose(): void {
    this.ended = true;
    this.stop?.();
  }

  private next(): void {
    if (!this.ended) this.stop = this.timer.after(this.pause(), () => void this.now());
  }
}
