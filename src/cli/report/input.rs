//! Lines of files, or of standard input, as they are or packed by gzip. In: a path. Out: each line, in bounded memory.

use flate2::bufread::MultiGzDecoder;
use memchr::memchr;
use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

/// A collector writes thousands of records on one line; what is longer than this is no line.
const LONGEST: usize = 16 << 20;

/// What is read at once.
const CHUNK: usize = 1 << 18;

/// One line, without its end; `None` for one that is too long.
pub type Line<'a> = Option<&'a [u8]>;

/// Reads one file, or standard input for `-`.
pub fn read(path: &Path, take: impl FnMut(Line<'_>)) -> io::Result<()> {
    let named = |error: io::Error| {
        let why = match error.kind() {
            io::ErrorKind::UnexpectedEof => "ends in the middle of what gzip has packed".into(),
            _ => error.to_string(),
        };
        io::Error::new(error.kind(), format!("{}: {why}", path.display()))
    };
    if path == Path::new("-") {
        let stdin = BufReader::with_capacity(CHUNK, io::stdin().lock());
        return unpacked(stdin, take).map_err(named);
    }
    let file = File::open(path).map_err(named)?;
    if file.metadata().map_err(named)?.is_dir() {
        let path = path.display();
        let why = format!("{path}: this is a directory: name its files, as in {path}/*");
        return Err(io::Error::other(why));
    }
    unpacked(BufReader::with_capacity(CHUNK, file), take).map_err(named)
}

/// By the first two bytes, whatever the name of the file is.
fn unpacked(mut input: impl BufRead, take: impl FnMut(Line<'_>)) -> io::Result<()> {
    match input.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        true => {
            let unpacked = MultiGzDecoder::new(input);
            lines(BufReader::with_capacity(CHUNK, unpacked), take)
        }
        false => lines(input, take),
    }
}

/// A line is copied only where it goes on in the next chunk.
pub fn lines(mut input: impl BufRead, mut take: impl FnMut(Line<'_>)) -> io::Result<()> {
    let (mut begun, mut is_too_long) = (Vec::new(), false);
    loop {
        let chunk = input.fill_buf()?;
        let length = chunk.len();
        if length == 0 {
            break;
        }
        let mut rest = chunk;
        while let Some(end) = memchr(b'\n', rest) {
            let line = &rest[..end];
            rest = &rest[end + 1..];
            if std::mem::take(&mut is_too_long) {
                take(None);
            } else if begun.is_empty() {
                take(Some(line));
            } else {
                begun.extend_from_slice(line);
                take(Some(&begun));
            }
            begun.clear();
        }
        begun.extend_from_slice(rest);
        input.consume(length);
        if begun.len() > LONGEST {
            is_too_long = true;
        }
        if is_too_long {
            begun.clear();
        }
    }
    match is_too_long {
        true => take(None),
        false if !begun.is_empty() => take(Some(&begun)),
        false => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths of the lines, where so many bytes are read at once.
    fn lengths(text: &[u8], at_once: usize) -> Vec<Option<usize>> {
        let mut lengths = Vec::new();
        let input = BufReader::with_capacity(at_once, text);
        lines(input, |line| lengths.push(line.map(<[u8]>::len))).unwrap();
        lengths
    }

    #[test]
    fn a_line_is_whole_wherever_a_chunk_ends() {
        let text = b"one\n\nthree and four\nlast";
        for at_once in 1..text.len() + 2 {
            let expected = [Some(3), Some(0), Some(14), Some(4)];
            assert_eq!(lengths(text, at_once), expected, "{at_once}");
        }
        assert_eq!(lengths(b"", 8), []);
        assert_eq!(lengths(b"\n", 8), [Some(0)]);
    }

    #[test]
    fn a_line_without_an_end_takes_no_memory_for_long() {
        let mut text = vec![b'x'; LONGEST + CHUNK + 1];
        assert_eq!(lengths(&text, CHUNK), [None]);
        text.extend(b"\nnext\n");
        assert_eq!(lengths(&text, CHUNK), [None, Some(4)]);
    }
}
