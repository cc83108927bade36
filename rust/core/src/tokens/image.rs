//! The size of a picture, from the first bytes of its file: PNG, JPEG, GIF, WebP. No pixel is decoded.

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dimensions {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// The most base64 text that is looked at: a JPEG may put much metadata before its size.
const LONGEST_PREFIX: usize = 512 * 1024;

/// The dimensions of a picture given as base64 (standard or URL alphabet, white space allowed), if its header says them.
/// Reads 64 characters of the text, of a JPEG at most 512 KiB.
pub fn dimensions_of_base64(data: &str) -> Option<Dimensions> {
    let data = data.as_bytes();
    let head = decode(data.get(..data.len().min(64))?);
    if !head.starts_with(&[0xFF, 0xD8]) {
        return dimensions(&head);
    }
    // Most JPEGs say their size within 4 KiB; look further only when that is not enough.
    [4096, LONGEST_PREFIX].into_iter().find_map(|length| dimensions(&decode(data.get(..data.len().min(length))?)))
}

/// The dimensions of a picture by the first bytes of its file.
pub fn dimensions(bytes: &[u8]) -> Option<Dimensions> {
    let found = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16)? == b"IHDR" {
        Dimensions { width: big_u32(bytes, 16)?, height: big_u32(bytes, 20)? }
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Dimensions { width: little_u16(bytes, 6)?, height: little_u16(bytes, 8)? }
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12)? == b"WEBP" {
        webp(bytes)?
    } else if bytes.starts_with(&[0xFF, 0xD8]) {
        jpeg(bytes)?
    } else {
        return None;
    };
    (found.width > 0 && found.height > 0).then_some(found)
}

/// WebP: lossy (`VP8 `), lossless (`VP8L`) or extended (`VP8X`).
fn webp(bytes: &[u8]) -> Option<Dimensions> {
    match bytes.get(12..16)? {
        b"VP8 " if bytes.get(23..26)? == [0x9D, 0x01, 0x2A] => {
            Some(Dimensions { width: little_u16(bytes, 26)? & 0x3FFF, height: little_u16(bytes, 28)? & 0x3FFF })
        }
        b"VP8L" if *bytes.get(20)? == 0x2F => {
            let bits = little_u16(bytes, 21)? | little_u16(bytes, 23)? << 16;
            Some(Dimensions { width: (bits & 0x3FFF) + 1, height: (bits >> 14 & 0x3FFF) + 1 })
        }
        b"VP8X" => {
            let side = |at: usize| Some((little_u16(bytes, at)? | u32::from(*bytes.get(at + 2)?) << 16) + 1);
            Some(Dimensions { width: side(24)?, height: side(27)? })
        }
        _ => None,
    }
}

/// JPEG: walks the segments to the first start of frame.
fn jpeg(bytes: &[u8]) -> Option<Dimensions> {
    let mut at = 2;
    loop {
        while *bytes.get(at)? != 0xFF {
            at += 1;
        }
        while *bytes.get(at)? == 0xFF {
            at += 1;
        }
        let marker = *bytes.get(at)?;
        at += 1;
        match marker {
            // Start of frame; C4, C8 and CC are tables.
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                return Some(Dimensions { width: big_u16(bytes, at + 5)?, height: big_u16(bytes, at + 3)? });
            }
            // Markers without a length.
            0x01 | 0xD0..=0xD8 => {}
            // The picture's data or its end, and no frame before it.
            0xD9 | 0xDA => return None,
            _ => at += big_u16(bytes, at)?.max(2) as usize,
        }
    }
}

fn big_u16(bytes: &[u8], at: usize) -> Option<u32> {
    let (pair, _) = bytes.get(at..)?.split_first_chunk::<2>()?;
    Some(u32::from(u16::from_be_bytes(*pair)))
}

fn big_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let (four, _) = bytes.get(at..)?.split_first_chunk::<4>()?;
    Some(u32::from_be_bytes(*four))
}

fn little_u16(bytes: &[u8], at: usize) -> Option<u32> {
    let (pair, _) = bytes.get(at..)?.split_first_chunk::<2>()?;
    Some(u32::from(u16::from_le_bytes(*pair)))
}

/// Decodes base64 as far as it goes: stops at the first character that belongs to neither alphabet nor white space.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b' ' | b'\n' | b'\r' | b'\t' => continue,
            _ => break,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xFF) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(bytes: &[u8]) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        bytes
            .chunks(3)
            .flat_map(|three| {
                let bits =
                    three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
                (0..=three.len()).map(move |digit| char::from(ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize]))
            })
            .collect()
    }

    fn of(bytes: &[u8]) -> Option<(u32, u32)> {
        assert_eq!(dimensions(bytes), dimensions_of_base64(&encode(bytes)));
        dimensions(bytes).map(|found| (found.width, found.height))
    }

    #[test]
    fn reads_png_and_gif() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        png.extend([0, 0, 7, 8, 0, 0, 4, 0xB0, 8, 2, 0, 0, 0]);
        assert_eq!(of(&png), Some((1800, 1200)));
        assert_eq!(of(b"GIF89a\x40\x01\xC8\0\0\0\0"), Some((320, 200)));
        assert_eq!(of(b"GIF89a\x40\x01"), None);
    }

    #[test]
    fn reads_the_three_kinds_of_webp() {
        assert_eq!(of(b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x80\x02\xe0\x01"), Some((640, 480)));
        // 14 bits of width - 1, then of height - 1: (99, 49).
        assert_eq!(of(b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x63\x40\x0c\0"), Some((100, 50)));
        assert_eq!(of(b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x7f\x02\0\xdf\x01\0"), Some((640, 480)));
    }

    #[test]
    fn walks_the_segments_of_jpeg() {
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 9, 9, 0xFF, 0xE1, 0x20, 2];
        jpeg.resize(jpeg.len() + 0x2000, 0xFF);
        jpeg.extend([0xFF, 0xFF, 0xC2, 0, 17, 8, 1, 0xE0, 2, 0x80, 3, 1]);
        assert_eq!(of(&jpeg), Some((640, 480)));
        assert_eq!(of(&jpeg[..40]), None);
    }

    #[test]
    fn refuses_other_bytes() {
        for bytes in
            [&b""[..], b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"\xFF\xD8\xFF\xDA\0\0", b"RIFF\0\0\0\0WEBPVP8?\0\0\0\0"]
        {
            assert_eq!(of(bytes), None);
        }
        assert_eq!(dimensions_of_base64("é€"), None);
    }
}
