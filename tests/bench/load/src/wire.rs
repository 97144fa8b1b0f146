//! The bytes. In: a path, a user. Out: the request that a browser sends, and where a message ends.

/// Ten fields of a browser, about 300 bytes of cookies with the user's id between them.
pub fn request(path: &str, post: usize, user: u64) -> Vec<u8> {
    let method = if post > 0 { "POST" } else { "GET" };
    let body = if post > 0 {
        format!("Content-Type: application/json\r\nContent-Length: {post}\r\n")
    } else {
        String::new()
    };
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\n\
         Host: app.example.com\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n\
         Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
         Accept-Language: en-US,en;q=0.5\r\n\
         Accept-Encoding: gzip, deflate, br\r\n\
         Referer: https://app.example.com/products/overview?page=3\r\n\
         Sec-Fetch-Dest: document\r\n\
         Sec-Fetch-Mode: navigate\r\n\
         X-Request-Id: 4f6c2b9e-1d7a-4c39-9a6e-0b5f2d8e7c10\r\n\
         Cookie: _ga=GA1.2.1844674407.1700000000; _gid=GA1.2.987654321.1700000001; session={}; uid=user-{user:08}; theme=dark; \
         csrftoken=9f86d081884c7d659a2feaa0c55ad015; lang=en\r\n\
         {body}\r\n",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4ifQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV",
    )
    .into_bytes();
    request.resize(request.len() + post, b'p');
    request
}

/// Bytes of a whole head at the beginning of these, and of the body that it announces.
pub fn head(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let length = bytes[..end].split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked("content-length:".len())?;
        let is_length = name.eq_ignore_ascii_case(b"content-length:");
        is_length.then(|| {
            std::str::from_utf8(value)
                .expect("a number")
                .trim()
                .parse()
                .expect("a number")
        })
    });
    Some((end, length.unwrap_or(0)))
}
