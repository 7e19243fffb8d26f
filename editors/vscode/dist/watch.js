"use strict";
/** Looking again and again at what waits: one look at a time, slower while nobody looks, slower after each fault. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.Watch = void 0;
/** Times that the pause may double. Reason: five seconds become some minutes, and not hours. */
const DOUBLED_MAX = 6;
/** How much slower where the window is not in front. Reason: a process each few seconds is a price that somebody should see something for. */
const BEHIND = 6;
class Watch {
    look;
    seconds;
    inFront;
    timer;
    faults = 0;
    stop;
    ended = false;
    looking = false;
    constructor(look, seconds, inFront, timer) {
        this.look = look;
        this.seconds = seconds;
        this.inFront = inFront;
        this.timer = timer;
    }
    pause() {
        return this.seconds() * 1000 * (this.inFront() ? 1 : BEHIND) * 2 ** Math.min(this.faults, DOUBLED_MAX);
    }
    async now() {
        if (this.ended || this.looking)
            return;
        this.stop?.();
        this.looking = true;
        try {
            await this.look();
            this.faults = 0;
        }
        catch {
            // Whoever looks has told of it; here it only makes the pause longer.
            this.faults += 1;
        }
        finally {
            this.looking = false;
            this.next();
        }
    }
    dispose() {
        this.ended = true;
        this.stop?.();
    }
    next() {
        if (!this.ended)
            this.stop = this.timer.after(this.pause(), () => void this.now());
    }
}
exports.Watch = Watch;
