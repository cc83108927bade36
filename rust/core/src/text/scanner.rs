//! The scan: 64 bytes at a time become masks, and the masks of many blocks are summed before they are counted.

use super::masks::{Before, masks};
use super::scan::TextScan;
use super::script::Script;
use super::sums::Sums;

/// Scans many texts, each a part of its own. Bytes and scripts are counted at once, all else when it is taken.
#[derive(Default)]
pub struct Scanner {
    scan: TextScan,
    sums: Sums,
}

impl Scanner {
    /// Adds a text as a part of its own: no run crosses into it. Time is linear, memory constant.
    pub fn add(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut before = Before::start();
        let (blocks, tail) = bytes.as_chunks::<64>();
        let mut start = 0;
        for block in blocks {
            start += 64;
            self.block(block, u64::MAX, bytes.get(start..).unwrap_or_default(), &mut before);
        }
        if !tail.is_empty() {
            let mut block = [0; 64];
            block.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
            self.block(&block, u64::MAX >> (64 - tail.len()), &[], &mut before);
        }
        self.scan.bytes += bytes.len() as u64;
    }

    /// What was counted since the last time.
    pub fn take(&mut self) -> TextScan {
        if self.scan.bytes == 0 {
            return TextScan::default();
        }
        let mut scan = std::mem::take(&mut self.scan);
        scan.take(&self.sums.take());
        scan
    }

    #[inline]
    fn block(&mut self, block: &[u8; 64], valid: u64, following: &[u8], before: &mut Before) {
        let leads = masks(block, valid, before, self.sums.next());
        self.sums.add();
        if leads.all != 0 {
            self.count_scripts(block, leads.all, leads.run_starts, following);
        }
    }

    /// Counts the scripts of the characters whose first bytes are marked in `leads`.
    #[inline]
    fn count_scripts(&mut self, block: &[u8; 64], leads: u64, run_starts: u64, following: &[u8]) {
        let byte = |at: u32| {
            let at = at as usize;
            block.get(at).or_else(|| following.get(at.saturating_sub(64))).copied().unwrap_or(0)
        };
        let mut left = leads;
        while left != 0 {
            let at = left.trailing_zeros();
            left &= left - 1;
            let script = Script::of_utf8(byte(at), byte(at + 1), byte(at + 2)) as usize;
            if let (Some(chars), Some(runs)) =
                (self.scan.scripts.get_mut(script), self.scan.script_runs.get_mut(script))
            {
                *chars += 1;
                *runs += run_starts >> at & 1;
            }
        }
    }
}
