//! The pieces in a double array (a trie whose every step is one look), and the least number of them that tile some bytes.
#![allow(
    clippy::cast_possible_truncation,
    reason = "piece numbers and costs are far below the widths they are kept in"
)]

use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::characters::{Characters, LETTER_ALONE};

/// Opens a word.
pub(super) const OPEN: u8 = 0xFF;
/// Closes a word.
pub(super) const CLOSE: u8 = 0xFE;
/// The word that follows has a capital first letter.
pub(super) const SHIFT: u8 = 0xFD;
/// The word that follows is in capitals.
pub(super) const CAPITALS: u8 = 0xFC;

/// Bytes that are tiled in a row of fixed size.
const SHORT: usize = 62;
/// Places of the ring that long tilings are computed in; a power of two above the length of every piece.
const RING: usize = 256;

/// A state of the trie: where its children stand, whether a piece ends here, and of which state it is the child.
#[derive(Clone, Copy, Default)]
struct Cell {
    /// The children stand at this plus their byte. The top bit says that a piece ends here.
    base: u32,
    /// The parent and 1; 0 in a free cell.
    check: u32,
}

const ENDS: u32 = 1 << 31;

/// The pieces of one vocabulary.
pub(super) struct Vocabulary {
    cells: Vec<Cell>,
    /// What each character of the basic plane that stands alone costs.
    alone: Vec<u8>,
    spaces: Ladder,
    tabs: Ladder,
    newlines: Ladder,
}

impl Vocabulary {
    /// Unpacks a file (its form is described in `scripts/build_claude_vocab.py`). `None` when it is damaged.
    pub(super) fn unpack(packed: &[u8], characters: &Characters) -> Option<Self> {
        let (size, deflated) = packed.split_first_chunk::<4>()?;
        let plain = decompress_to_vec_with_limit(deflated, u32::from_le_bytes(*size) as usize).ok()?;
        let (count, rest) = plain.split_first_chunk::<4>()?;
        let (lengths, mut bytes) = rest.split_at_checked(u32::from_le_bytes(*count) as usize)?;
        let mut pieces: Vec<&[u8]> = Vec::with_capacity(lengths.len());
        for length in lengths {
            let (piece, after) = bytes.split_at_checked(usize::from(*length))?;
            pieces.push(piece);
            bytes = after;
        }
        let mut vocabulary = Self {
            cells: build(&pieces)?,
            alone: Vec::new(),
            spaces: Ladder::default(),
            tabs: Ladder::default(),
            newlines: Ladder::default(),
        };
        vocabulary.spaces = Ladder::new(&vocabulary, b' ');
        vocabulary.tabs = Ladder::new(&vocabulary, b'\t');
        vocabulary.newlines = Ladder::new(&vocabulary, b'\n');
        let mut utf8 = [0; 4];
        vocabulary.alone = (0..=0xFFFF_u32)
            .map(|code| match char::from_u32(code) {
                Some(char) if characters.kind(char) == LETTER_ALONE => {
                    vocabulary.tiles(char.encode_utf8(&mut utf8).as_bytes()) as u8
                }
                _ => 0,
            })
            .collect();
        Some(vocabulary)
    }

    #[inline]
    fn child(&self, state: u32, byte: u8) -> Option<(u32, bool)> {
        let base = self.cells.get(state as usize)?.base & !ENDS;
        let next = base + u32::from(byte);
        let cell = self.cells.get(next as usize)?;
        (cell.check == state + 1).then_some((next, cell.base & ENDS != 0))
    }

    /// What a character that stands alone costs.
    #[inline]
    pub(super) fn alone(&self, char: &[u8]) -> u64 {
        if let [first, second, third] = *char {
            let code = usize::from(first & 0x0F) << 12 | usize::from(second & 0x3F) << 6 | usize::from(third & 0x3F);
            return self.alone.get(code).copied().map_or(0, u64::from);
        }
        self.tiles(char)
    }

    /// What a run of white space of one kind costs.
    pub(super) fn white(&self, byte: u8, length: u64) -> u64 {
        match byte {
            b' ' => self.spaces.cost(length),
            b'\t' => self.tabs.cost(length),
            _ => self.newlines.cost(length),
        }
    }

    /// The least number of pieces and single bytes that these bytes are made of.
    pub(super) fn tiles(&self, bytes: &[u8]) -> u64 {
        if self.is_piece(bytes) {
            return 1;
        }
        if bytes.len() <= SHORT { self.tiles_short(bytes) } else { self.tiles_long(bytes) }
    }

    fn is_piece(&self, bytes: &[u8]) -> bool {
        let (mut state, mut ends) = (0, false);
        for byte in bytes {
            match self.child(state, *byte) {
                Some(found) => (state, ends) = found,
                None => return false,
            }
        }
        ends
    }

    fn tiles_short(&self, bytes: &[u8]) -> u64 {
        let mut best = [u8::MAX; SHORT + 2];
        if let Some(start) = best.first_mut() {
            *start = 0;
        }
        for start in 0..bytes.len() {
            let (cost, rest) = match best.get_mut(start..) {
                Some([cost, rest @ ..]) => (*cost + 1, rest),
                _ => break,
            };
            let mut state = 0;
            // The first byte alone is a tile whether a piece or not.
            let mut ends = true;
            for (byte, slot) in bytes.iter().skip(start).zip(rest) {
                let Some((next, is_piece)) = self.child(state, *byte) else {
                    if ends && state == 0 {
                        *slot = (*slot).min(cost);
                    }
                    break;
                };
                if is_piece || ends && state == 0 {
                    *slot = (*slot).min(cost);
                }
                ends = false;
                state = next;
            }
        }
        best.get(bytes.len()).map_or(0, |cost| u64::from(*cost))
    }

    fn tiles_long(&self, bytes: &[u8]) -> u64 {
        let mut removed = 0;
        let shortened = self.shorten(bytes, &mut removed);
        let bytes = shortened.as_deref().unwrap_or(bytes);
        let mut best = [u64::MAX; RING];
        let mut here = 0;
        for start in 0..bytes.len() {
            let cost = here + 1;
            if let Some(slot) = best.get_mut(start % RING) {
                *slot = u64::MAX;
            }
            let mut reach = |end: usize| {
                if let Some(slot) = best.get_mut(end % RING) {
                    *slot = (*slot).min(cost);
                }
            };
            reach(start + 1);
            let mut state = 0;
            for (byte, end) in bytes.iter().skip(start).zip(start + 1..) {
                let Some((next, is_piece)) = self.child(state, *byte) else { break };
                if is_piece {
                    reach(end);
                }
                state = next;
            }
            here = best.get((start + 1) % RING).copied().unwrap_or(cost);
        }
        here + removed
    }

    /// Long runs of one byte made shorter, and how many tiles that took away. With `most` the longest piece of such bytes, an
    /// optimal tiling of a run holds fewer than `most` shorter ones (some of them would add up to a multiple of `most`), so in
    /// a run beyond `(most - 1)^2` and what reaches in from both sides some piece is the longest, and may be taken out.
    fn shorten(&self, bytes: &[u8], removed: &mut u64) -> Option<Vec<u8>> {
        let mut out: Option<Vec<u8>> = None;
        let mut at = 0;
        for run in bytes.chunk_by(|first, second| first == second) {
            let start = at;
            at += run.len();
            let mut kept = run;
            if run.len() > RING * 2
                && let Some(byte) = run.first()
            {
                let most = self.longest_run(*byte);
                let enough = (most - 1) * (most - 1) + RING * 2;
                let times = run.len().saturating_sub(enough) / most;
                if times > 0 {
                    *removed += times as u64;
                    kept = run.get(times * most..).unwrap_or_default();
                    out.get_or_insert_with(|| bytes.get(..start).unwrap_or_default().to_vec());
                }
            }
            if let Some(out) = &mut out {
                out.extend_from_slice(kept);
            }
        }
        out
    }

    /// The longest piece that is nothing but this byte; at least 1.
    fn longest_run(&self, byte: u8) -> usize {
        let (mut state, mut longest) = (0, 1);
        for length in 1..RING {
            let Some((next, is_piece)) = self.child(state, byte) else { break };
            if is_piece {
                longest = length;
            }
            state = next;
        }
        longest
    }
}

/// What runs of one white-space character cost.
#[derive(Default)]
struct Ladder {
    costs: Vec<u16>,
    longest: u64,
}

impl Ladder {
    fn new(vocabulary: &Vocabulary, byte: u8) -> Self {
        let longest = vocabulary.longest_run(byte);
        let run = vec![byte; longest];
        let mut costs = vec![0_u16];
        let steps: Vec<usize> = (1..=longest)
            .filter(|length| *length == 1 || vocabulary.is_piece(run.get(..*length).unwrap_or_default()))
            .collect();
        // Beyond this a tiling holds the longest piece (see `Vocabulary::shorten`).
        for length in 1..=longest * longest + longest {
            let before = steps.iter().filter_map(|step| costs.get(length.checked_sub(*step)?)).min();
            costs.push(before.map_or(0, |cost| cost + 1));
        }
        Self { costs, longest: longest as u64 }
    }

    fn cost(&self, length: u64) -> u64 {
        let known = self.costs.len() as u64 - 1;
        let times = length.saturating_sub(known).div_ceil(self.longest.max(1));
        let rest = length - times * self.longest;
        times + self.costs.get(rest as usize).map_or(0, |cost| u64::from(*cost))
    }
}

/// The double array of pieces in order: state by state, breadth first, each at the first place where its children fit.
fn build(pieces: &[&[u8]]) -> Option<Vec<Cell>> {
    let mut cells = vec![Cell::default(); 0x200];
    let mut first_free = 1;
    // State, the pieces below it, its depth.
    let mut queue = std::collections::VecDeque::from([(0_usize, 0_usize, pieces.len(), 0_usize)]);
    let mut children: Vec<(u8, usize, usize)> = Vec::new();
    while let Some((state, mut low, high, depth)) = queue.pop_front() {
        // Pieces are in order, so that one which ends here stands first.
        if pieces.get(low..high)?.first()?.len() == depth {
            cells.get_mut(state)?.base |= ENDS;
            low += 1;
        }
        children.clear();
        while low < high {
            let byte = *pieces.get(low)?.get(depth)?;
            let run = pieces.get(low..high)?.partition_point(|piece| piece.get(depth) == Some(&byte));
            children.push((byte, low, low + run));
            low += run;
        }
        let Some((least, _, _)) = children.first().copied() else { continue };
        while cells.get(first_free).is_some_and(|cell| cell.check != 0) {
            first_free += 1;
        }
        let mut slot = first_free.max(usize::from(least) + 1);
        let base = loop {
            let base = slot - usize::from(least);
            if cells.len() < base + 0x200 {
                cells.resize(base + 0x400, Cell::default());
            }
            let is_free = |byte: u8| cells.get(base + usize::from(byte)).is_some_and(|cell| cell.check == 0);
            if children.iter().all(|(byte, _, _)| is_free(*byte)) {
                break base;
            }
            slot += 1;
        };
        // A crowded stretch is not searched again and again.
        if children.len() > 1 && slot > first_free + 4096 {
            first_free = slot - 2048;
        }
        cells.get_mut(state)?.base |= u32::try_from(base).ok()?;
        for (byte, low, high) in &children {
            let next = base + usize::from(*byte);
            cells.get_mut(next)?.check = u32::try_from(state).ok()? + 1;
            queue.push_back((next, *low, *high, depth + 1));
        }
    }
    Some(cells)
}
