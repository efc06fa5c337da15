//! tmp
fn faults()->i64{ let s=std::fs::read_to_string("/proc/self/stat").unwrap(); let r=s.rsplit(')').next().unwrap().split_whitespace().nth(7).unwrap().parse().unwrap(); r }
fn main(){ let rt=archipel::Runtime::new().unwrap(); let n=2000;
 let code=std::env::args().nth(1).unwrap_or("pass".into());
 for round in 0..4 { let f=faults(); let t=std::time::Instant::now(); let mut ti=std::time::Duration::ZERO;let mut te=ti;let mut td=ti; let mut t2=ti;
 for _ in 0..n { let a=std::time::Instant::now(); let i=rt.interpreter().build().unwrap(); let b=std::time::Instant::now(); i.exec(code.clone()).unwrap(); let c=std::time::Instant::now(); if round>1 {i.exec(code.clone()).unwrap();} let c2=std::time::Instant::now(); i.close().unwrap(); let d=std::time::Instant::now(); ti+=b-a; te+=c-b; t2+=c2-c;td+=d-c2; }
 println!("round {round}: {:?} faults {} create {:?} exec {:?} exec2 {:?} close {:?}", t.elapsed()/n, (faults()-f)/n as i64, ti/n, te/n, t2/n, td/n); }
}
