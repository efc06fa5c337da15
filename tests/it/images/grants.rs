//! Tests images for children: granted, lent, denied and absent ones.

use super::{NAME, image};
use crate::collector::{collect, told_of};
use crate::runtime;
use archipel::{Error, Interpreter, Policy};

fn with(policy: Policy, name: &str) -> Interpreter {
    runtime().load(image()).unwrap();
    let policy = policy.children(8, 3).unwrap();
    let builder = runtime().interpreter().policy(policy).name(name);
    builder.build().unwrap()
}

const HELPERS: &str = "
import archipel
def denied(**settings):
    try: archipel.create(**settings)
    except archipel.Denied as error: return str(error)
";

#[test]
fn a_guest_creates_children_from_a_granted_image() {
    let parent = with(Policy::new().image(NAME).unwrap(), "parent");
    parent.exec("import archipel").unwrap();
    parent
        .exec(format!(
            "child = archipel.create(image={NAME:?}, name='child')"
        ))
        .unwrap();
    parent.exec("child.exec('assert scaled(2) == 6')").unwrap();
    // A child without a name has the image of its parent.
    parent.exec("plain = archipel.create()").unwrap();
    parent
        .exec("try: plain.exec('scaled(2)')\nexcept archipel.ExecutionFailed: pass\nelse: raise SystemError")
        .unwrap();
    let within = runtime()
        .interpreter()
        .image(image())
        .policy(Policy::new().children(2, 1).unwrap())
        .build()
        .unwrap();
    // Its own image needs no grant, also by name.
    for settings in ["", &format!("image={NAME:?}")] {
        within
            .exec(format!(
                "import archipel; archipel.create({settings}).exec('assert scaled(2) == 6')"
            ))
            .unwrap();
    }
}

#[test]
fn a_parent_lends_only_what_it_has() {
    let parent = with(Policy::new().image(NAME).unwrap(), "lender");
    parent.exec(HELPERS).unwrap();
    let code = format!(
        "
lent = archipel.create(policy={{'images': [{NAME:?}], 'children': 2}})
lent.exec('''
import archipel
archipel.create(image={NAME:?}).exec('assert scaled(2) == 6')
''')
unlent = archipel.create(policy={{'children': 2}})
try: unlent.exec('import archipel; archipel.create(image={NAME:?})')
except archipel.ExecutionFailed as error: assert 'Denied' in str(error), error
else: raise SystemError
assert denied(policy={{'images': ['other']}}) == \"the image other exceeds the parent's policy\"
"
    );
    parent.exec(code).unwrap();
}

#[test]
fn a_denied_image_and_an_absent_one_look_alike() {
    collect();
    let parent = with(Policy::new(), "told-images");
    parent.exec(HELPERS).unwrap();
    for name in [NAME, "absent", "../etc/passwd"] {
        let text = parent.eval::<String>(format!("denied(image={name:?})"));
        assert_eq!(
            text.unwrap(),
            format!("the image {name:?} is not available")
        );
    }
    let told = told_of("told-images").join("\n");
    assert!(told.contains("the policy does not grant it"), "{told}");
    let long = parent
        .exec("archipel.create(image='x' * 1000)")
        .unwrap_err();
    assert!(
        matches!(&long, Error::Raised(raised) if raised.name == "ValueError"),
        "{long}"
    );
}

#[test]
fn the_host_refuses_to_grant_an_image_that_does_not_exist() {
    let policy = Policy::new().image("no-such-image").unwrap();
    let error = runtime().interpreter().policy(policy).build().unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("cannot grant the image no-such-image") && text.contains("image build"),
        "{text}"
    );
}
