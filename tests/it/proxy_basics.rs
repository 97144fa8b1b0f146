//! A request goes in, the application sees it, its answer comes back.

use crate::raw::{App, Burgee};

#[test]
fn a_request_reaches_the_application_and_its_answer_the_client() {
    let app = App::answering("HTTP/1.1 201 Made\r\nContent-Length: 2\r\nX-Own: a\r\n\r\nhi");
    let burgee = Burgee::before(&app);
    let answer = burgee.answer("POST /a?b HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc");
    let request = app.request();
    assert_eq!(
        request.head,
        "POST /a?b HTTP/1.1\r\nhost: shop\r\ncontent-length: 3\r\n\r\n"
    );
    assert_eq!(request.text(), "abc");
    assert_eq!(answer.start(), "HTTP/1.1 201 Made");
    assert_eq!(answer.get("x-own"), Some("a"));
    assert_eq!(answer.text(), "hi");
}
